import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { serverUrl } from "../api/client.ts";
import { LiveFigure } from "../figures/live_figure.tsx";
import { CodeBlock } from "../paper/code_block.tsx";
import { ErrorNotice, Notice } from "../parts/notice.tsx";
import { hrefOf, useQuery, useTab } from "../state/address.ts";
import { serverState } from "../state/server.ts";
import { useStore } from "../state/store.ts";

interface Section {
  readonly id: string;
  /** May hold equations. */
  readonly heading: HTMLElement;
}

/** A link to a section, with what its heading holds. */
const SectionLink = ({ section: { id, heading }, onShow }: { section: Section; onShow: (id: string) => void }) => {
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => link.current!.replaceChildren(...heading.cloneNode(true).childNodes), [heading]);
  return (
    <a
      ref={link}
      href={hrefOf("paper", { at: id })}
      onClick={(event) => {
        event.preventDefault();
        onShow(id);
      }}
    />
  );
};

/** The text, which was made when the page was built, with the figures in their slots. */
const Text = ({ html, onSections }: { html: string; onSections: (sections: readonly Section[]) => void }) => {
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    root.current!.innerHTML = html;
    const slots = [...root.current!.querySelectorAll<HTMLElement>("[data-figure]")];
    for (const slot of slots) render(<LiveFigure name={slot.dataset.figure!} />, slot);
    const codes = [...root.current!.querySelectorAll<HTMLElement>(".code pre")].map((pre) => {
      const place = document.createElement("div");
      const code = pre.textContent!.trimEnd();
      pre.replaceWith(place);
      render(<CodeBlock code={code} />, place);
      return place;
    });
    const headings = [...root.current!.querySelectorAll<HTMLElement>("h3")];
    onSections(headings.map((heading) => ({ id: heading.id, heading })));
    return () => [...slots, ...codes].forEach((slot) => render(null, slot));
  }, [html]);
  return <div ref={root} class="text" />;
};

/** The guided reading of the paper, with figures that live. */
export const Paper = () => {
  const [query, change] = useQuery("paper", { at: "" });
  const [html, setHtml] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [sections, setSections] = useState<readonly Section[]>([]);
  const state = useStore(serverState);

  useEffect(() => {
    if (html !== null) return;
    fetch(serverUrl("page/paper.html"))
      .then((response) => response.ok ? response.text() : Promise.reject(new Error("The text is not there.")))
      .then((text) => {
        setHtml(text);
        setError(null);
      }, setError);
  }, [state]);

  const show = (id: string) => {
    const heading = document.getElementById(id);
    heading?.scrollIntoView({ block: "start" });
    heading?.focus({ preventScroll: true });
  };
  const tab = useTab();
  useEffect(() => {
    if (tab !== "paper" || !sections.some(({ id }) => id === query.at)) return;
    // After the page has gone to its top, as it does for every tab.
    const frame = requestAnimationFrame(() => show(query.at));
    return () => cancelAnimationFrame(frame);
  }, [sections, query.at, tab]);

  if (html === null) {
    return (
      <div class="waiting">{error ? <ErrorNotice error={error} /> : <Notice busy>Opening the text …</Notice>}</div>
    );
  }
  return (
    <div class="paper">
      <nav aria-label="Sections" class="sections">
        <ol>
          {sections.map((section) => (
            <li key={section.id}>
              <SectionLink
                section={section}
                onShow={(id) => {
                  change({ at: id });
                  show(id);
                }}
              />
            </li>
          ))}
        </ol>
      </nav>
      <Text html={html} onSections={setSections} />
    </div>
  );
};

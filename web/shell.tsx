/**
 * The page: its head, its tabs and its foot. tabs/ is what they hold, made of parts/; figures/ live in the guided reading,
 * whose text paper/ makes when the page is built; state/ is what outlives a tab, api/ how the server is asked. All of it
 * runs in a browser, and web/dist is what is served.
 */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { apiKey, keyWanted, SITE_MODELS } from "./api/client.ts";
import { KeyWindow } from "./parts/key_window.tsx";
import { NoTraining } from "./parts/no_training.tsx";
import { goTo, hrefOf, type Tab, TABS, useTab } from "./state/address.ts";
import { loadDescription, models, type ServerState, serverState, useServer } from "./state/server.ts";
import { useStore } from "./state/store.ts";
import { chooseTheme, theme } from "./state/theme.ts";
import { Forward } from "./tabs/forward.tsx";
import { Generate } from "./tabs/generate.tsx";
import { Inpaint } from "./tabs/inpaint.tsx";
import { Interpolate } from "./tabs/interpolate.tsx";
import { Paper } from "./tabs/paper.tsx";
import { Train } from "./tabs/train.tsx";
import { Try } from "./tabs/try.tsx";

const PAGES: Record<Tab, { readonly text: string; readonly Page: ComponentType }> = {
  generate: { text: "Generate", Page: Generate },
  try: { text: "Try it", Page: Try },
  forward: { text: "Forward", Page: Forward },
  interpolate: { text: "Interpolate", Page: Interpolate },
  inpaint: { text: "Inpaint", Page: Inpaint },
  train: { text: "Train", Page: SITE_MODELS === null ? Train : NoTraining },
  paper: { text: "Paper", Page: Paper },
};

const STATE_TEXT: Record<ServerState, string> = {
  unknown: "connecting",
  ready: "ready",
  starting: "loading models",
  restarting: "restarting its engine",
  failed: "its engine is lost",
  unreachable: "no answer, trying again",
};

const Status = () => {
  const state = useStore(serverState);
  const engine = useStore(models)?.[0]?.engine;
  const text = state === "ready" && engine ? engine.name : STATE_TEXT[state];
  return (
    <p
      class={`status is-${state}`}
      role="status"
      title={engine && `${engine.name} ${engine.version}, ${engine.device}`}
    >
      <span class="dot" aria-hidden="true" />
      <span class="unseen">{SITE_MODELS === null ? "Server:" : "This browser:"}</span>
      {text}
    </p>
  );
};

const ThemeButton = () => {
  const next = useStore(theme) === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      class="quiet"
      aria-label={`Show it ${next}`}
      title={`Show it ${next}`}
      onClick={() => chooseTheme(next)}
    >
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" stroke-width="1.5" />
        <path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" fill="currentColor" />
      </svg>
    </button>
  );
};

const KeyButton = () => {
  if (useStore(apiKey) === null) return null;
  return <button type="button" class="quiet" onClick={() => keyWanted.set("Another key, or none.")}>Key</button>;
};

const Navigation = ({ tab }: { tab: Tab }) => (
  <nav aria-label="Tabs">
    <ul>
      {TABS.map((name) => (
        <li key={name}>
          <a
            href={hrefOf(name)}
            aria-current={name === tab ? "page" : undefined}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey || event.shiftKey) return;
              event.preventDefault();
              goTo(name);
            }}
          >
            {PAGES[name].text}
          </a>
        </li>
      ))}
    </ul>
  </nav>
);

/** All of the page. A tab that was left stays as it is, out of sight. */
export const Shell = () => {
  const tab = useTab();
  const { text } = PAGES[tab];
  const [visited] = useState(() => new Set<Tab>());
  visited.add(tab);
  const state = useStore(serverState);
  useServer();
  useEffect(() => {
    if (state === "ready") loadDescription().catch(() => {});
  }, [state]);
  useEffect(() => {
    document.title = `${text} · denoise`;
    scrollTo(0, 0);
    document.querySelector('nav [aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [tab]);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.querySelector<HTMLElement>("main")?.focus();
        }}
      >
        Skip to {text}
      </a>
      <div class="top-line">
        <header class="top">
          <a
            class="word"
            href={hrefOf("generate")}
            onClick={(event) => {
              event.preventDefault();
              goTo("generate");
            }}
          >
            denoise
          </a>
          <Navigation tab={tab} />
          <Status />
          <KeyButton />
          <ThemeButton />
        </header>
      </div>
      <main tabIndex={-1} aria-labelledby="title">
        <h1 id="title" class="unseen">{text}</h1>
        {TABS.filter((name) => visited.has(name)).map((name) => {
          const { Page } = PAGES[name];
          return (
            <div key={name} class={`tab-${name}`} hidden={name !== tab}>
              <Page />
            </div>
          );
        })}
      </main>
      <footer>
        {SITE_MODELS === null && <a href="docs">API</a>}
        <a href="page/licences.txt">Licences</a>
      </footer>
      <KeyWindow />
    </>
  );
};

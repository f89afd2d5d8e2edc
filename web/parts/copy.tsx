import { useEffect, useState } from "preact/hooks";

/** A line to take along, with a button that copies it. */
export const CopyLine = ({ label, text, href }: { label: string; text: string; href?: string }) => {
  const [said, say] = useState("Copy");
  useEffect(() => {
    if (said === "Copy") return;
    const timer = setTimeout(() => say("Copy"), 2000);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = () => navigator.clipboard.writeText(text).then(() => say("Copied"), () => say("Select it, then Ctrl-C"));
  return (
    <div class="line">
      <dt>{label}</dt>
      <dd>
        <code tabIndex={0}>{href ? <a href={href}>{text}</a> : text}</code>
        <button type="button" class="quiet" aria-label={`Copy: ${label}`} onClick={copy}>
          <span aria-live="polite">{said}</span>
        </button>
      </dd>
    </div>
  );
};

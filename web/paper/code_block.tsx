import { useRef, useState } from "preact/hooks";
import { type CodeResult, runCode } from "./run_code.ts";

const verdictOf = ({ held, error }: CodeResult): string => {
  if (error !== null) return error;
  if (held === 0) return "It ran to its end.";
  return held === 1 ? "It ran to its end; one assertion held." : `It ran to its end; ${held} assertions held.`;
};

/** A block of the guided reading: to read, to change, and to run where it is. */
export const CodeBlock = ({ code }: { code: string }) => {
  const [text, setText] = useState(code);
  const [result, setResult] = useState<CodeResult | null>(null);
  const running = useRef<AbortController | null>(null);
  const [isRunning, setRunning] = useState(false);

  const run = async () => {
    running.current?.abort();
    const own = running.current = new AbortController();
    setRunning(true);
    const outcome = await runCode(text, own.signal);
    if (running.current !== own) return;
    running.current = null;
    setResult(outcome);
    setRunning(false);
  };

  return (
    <div class="code-block">
      <textarea
        aria-label="Code, which can be changed"
        rows={text.split("\n").length}
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
        wrap="off"
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          run();
        }}
      />
      <div class="buttons">
        {isRunning
          ? <button type="button" onClick={() => running.current?.abort()}>Stop</button>
          : <button type="button" onClick={run}>Run</button>}
        {text !== code && (
          <button
            type="button"
            class="quiet"
            onClick={() => {
              setText(code);
              setResult(null);
            }}
          >
            Undo all changes
          </button>
        )}
        <span class="hint">JavaScript, run in this browser. console.log shows values.</span>
      </div>
      <div role="status">
        {result && (
          <>
            {result.lines.length > 0 && <pre class="printed" tabIndex={0}>{result.lines.join("\n")}</pre>}
            <p class={result.error === null ? "held" : "wrong"}>{verdictOf(result)}</p>
          </>
        )}
      </div>
    </div>
  );
};

import type { ComponentChildren } from "preact";
import { Problem } from "../api/client.ts";

/** Something that went wrong, said as it is; announced to those who do not see it. */
export const ErrorNotice = ({ error, children }: { error: Error; children?: ComponentChildren }) => (
  <div class="notice is-wrong" role="alert">
    <p>{error.message}</p>
    {error instanceof Problem && error.requestId && error.status >= 500 && (
      <p class="hint">
        Request <code>{error.requestId}</code> in the server's log.
      </p>
    )}
    {children}
  </div>
);

/** Something to know. */
export const Notice = ({ children, busy = false }: { children: ComponentChildren; busy?: boolean }) => (
  <div class={`notice${busy ? " is-busy" : ""}`} role="status">{children}</div>
);

/** What the server has against a field, if it has. */
export const issueOf = (error: Error | null, field: string): string | undefined => {
  if (!(error instanceof Problem)) return undefined;
  const issue = error.issues.find((issue) => issue.field === field);
  return issue && `must be ${issue.allowed}`;
};

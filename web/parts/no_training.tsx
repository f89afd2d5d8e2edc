import { Notice } from "./notice.tsx";

/** What stands for training where there is no server. */
export const NoTraining = () => (
  <div class="waiting">
    <Notice>
      <p>
        Training takes a server: it keeps a graphics card or all processors busy for minutes to days, and writes to a
        disk. This site draws in your browser and has none.
      </p>
      <p class="hint">
        With the program on a machine of your own, <code>deno task serve</code> opens this page with training, and{" "}
        <code>deno task train</code> trains without a page.
      </p>
    </Notice>
  </div>
);

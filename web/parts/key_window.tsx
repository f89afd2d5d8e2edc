import { useState } from "preact/hooks";
import { apiKey, keyWanted, setKey } from "../api/client.ts";
import { useStore } from "../state/store.ts";
import { Dialog } from "./dialog.tsx";
import { SecretField } from "./fields.tsx";

/** Asks for the server's key, when it wants one. */
export const KeyWindow = () => {
  const reason = useStore(keyWanted);
  const [typed, type] = useState("");
  if (reason === null) return null;
  return (
    <Dialog title="A key, please" onClose={() => keyWanted.set(null)}>
      <form
        class="key-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (typed !== "") setKey(typed);
          type("");
        }}
      >
        <p>{reason}</p>
        <SecretField
          label="Key"
          value={typed}
          hint="Kept until you close this browser tab, and sent to this server only."
          onChange={type}
        />
        <div class="buttons">
          <button type="submit" class="main" disabled={typed === ""}>Use it</button>
          {apiKey.value !== null && <button type="button" onClick={() => setKey(null)}>Forget the one I gave</button>}
        </div>
      </form>
    </Dialog>
  );
};

import { useEffect, useState } from "preact/hooks";
import { at } from "../api/base.ts";
import { apiKey } from "../api/key.ts";
import { ask } from "../api/request.ts";
import { useStore } from "../state/store.ts";

/** An image of the server's, with the key where there is one, which an `img` alone would not send. */
export const ServerImage = ({ path, alt }: { path: string; alt: string }) => {
  const key = useStore(apiKey);
  const [url, setUrl] = useState<string | null>(null);
  const [gone, setGone] = useState<string | null>(null);
  useEffect(() => {
    if (key === null) return;
    const controller = new AbortController();
    let made: string | null = null;
    ask(path, { accept: "image/png", signal: controller.signal })
      .then((response) => response.blob())
      .then((blob) => setUrl(made = URL.createObjectURL(blob)))
      .catch(() => !controller.signal.aborted && setGone(path));
    return () => {
      controller.abort();
      if (made !== null) URL.revokeObjectURL(made);
    };
  }, [path, key]);
  const source = key === null ? at(path) : url;
  if (gone === path) return <p class="nothing">This picture is no longer there.</p>;
  return source === null
    ? <span class="no-image" role="img" aria-label={alt} />
    : <img src={source} alt={alt} onError={() => setGone(path)} />;
};

import { useRef } from "preact/hooks";

/**
 * What a form does when it is submitted. A field that Enter was pressed in says its value just before; the action waits
 * until the component knows it.
 */
export const useSubmit = (action: () => void): (event: Event) => void => {
  const latest = useRef(action);
  latest.current = action;
  return (event) => {
    event.preventDefault();
    setTimeout(() => latest.current());
  };
};

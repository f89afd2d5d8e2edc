/** A URL below where the page stands, which need not be the root of its host. */
export const at = (path: string): string => new URL(path.replace(/^\//, ""), document.baseURI.split("#")[0]).href;

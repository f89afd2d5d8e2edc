/** Images for the examples of the OpenAPI description: 8×8 pixels, as `data:` URLs. */

/** A gradient from black to white. */
export const EXAMPLE_IMAGE = "data:image/png;base64," +
  "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAEElEQVR42mNkEIQAJkGKGACW0QQ/5dbbJgAAAABJRU5ErkJggg==";

/** A mask whose right half is white. */
export const EXAMPLE_MASK = "data:image/png;base64," +
  "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQAAAADsdIMmAAAADUlEQVR42mPgZ2JAhgABYQAex9fz0AAAAABJRU5ErkJggg==";

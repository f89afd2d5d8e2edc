/** The page in a real browser; all tests share one, and one server. */
import "./generate.ts";
import "./forward.ts";
import "./interpolate.ts";
import "./inpaint.ts";
import "./train.ts";
import "./paper.ts";
import "./away.ts";
import "./keys.ts";
import "./access.ts";

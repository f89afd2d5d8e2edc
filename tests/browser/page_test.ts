/** The page in a real browser; all tests share one, and one server. */
import "./access.ts";
import "./away.ts";
import "./baselines.ts";
import "./device.ts";
import "./forward.ts";
import "./generate.ts";
import "./inpaint.ts";
import "./interpolate.ts";
import "./keys.ts";
import "./paper.ts";
import "./train.ts";

import { render } from "preact";
import { SITE_MODELS } from "./api/client.ts";
import { Shell } from "./shell.tsx";
import { startDevice } from "./state/device.ts";
import "./state/theme.ts";

if (SITE_MODELS !== null) startDevice();
render(<Shell />, document.getElementById("page")!);

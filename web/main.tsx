import { render } from "preact";
import { Shell } from "./shell.tsx";
import "./state/theme.ts";

render(<Shell />, document.getElementById("page")!);

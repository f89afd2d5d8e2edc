import { useLayoutEffect, useRef } from "preact/hooks";
import { toPixels } from "../state/pictures.ts";

/** Values in [-1, 1], H·W·C, as an image. */
export const ValuesCanvas = ({ values, width, height, channels, label }: {
  values: Float32Array;
  width: number;
  height: number;
  channels: number;
  label: string;
}) => {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    canvas.current!.getContext("2d")!.putImageData(toPixels(values, { width, height, channels }), 0, 0);
  }, [values, width, height, channels]);
  return <canvas ref={canvas} width={width} height={height} role="img" aria-label={label} />;
};

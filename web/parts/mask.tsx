import { useEffect, useRef, useState } from "preact/hooks";
import { useStore } from "../state/store.ts";
import { theme } from "../state/theme.ts";

/** Which pixels are to be drawn anew: 1 an entry, row by row. Never written to: a change gives a new one. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A mask of a rule. */
export const maskOf = (width: number, height: number, rule: (x: number, y: number) => boolean): Mask => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height }, (_, i) => rule(i % width, Math.floor(i / width)) ? 1 : 0),
});

/** Sets the pixels of a disc along a line to 1, or to 0. */
const paintStroke = (
  { width, height, data }: Mask,
  { from, to, size, value }: {
    from: readonly [x: number, y: number];
    to: readonly [x: number, y: number];
    /** Diameter in pixels. */
    size: number;
    value: 0 | 1;
  },
): Mask => {
  const next = data.slice();
  const radius = size / 2;
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = dx * dx + dy * dy;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [px, py] = [x + 0.5 - from[0], y + 0.5 - from[1]];
      const along = length === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length));
      const [ex, ey] = [px - along * dx, py - along * dy];
      if (ex * ex + ey * ey <= radius * radius) next[y * width + x] = value;
    }
  }
  return { width, height, data: next };
};

/** The other pixels. */
export const invertMask = ({ width, height, data }: Mask): Mask => ({ width, height, data: data.map((v) => 1 - v) });

/** The share of pixels that are drawn anew. */
export const maskShare = ({ data }: Mask): number => data.reduce((sum, v) => sum + v, 0) / data.length;

/** The mask as requests take it: white is drawn anew. */
export const maskUrl = ({ width, height, data }: Mask): string => {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  data.forEach((v, i) => image.data.set([255 * v, 255 * v, 255 * v, 255], 4 * i));
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  return canvas.toDataURL("image/png");
};

/** Pixels of the canvas for each of the image's. */
const ZOOM = 12;

const ARROW_STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/**
 * An image to brush a mask on: with a pointer, or with the keys: arrows move the brush, Space paints, and both together
 * with Shift draw a line.
 */
export const MaskBrush = ({ image, mask, size, isErasing, onMask }: {
  image: HTMLCanvasElement;
  mask: Mask;
  /** Diameter of the brush in the image's pixels. */
  size: number;
  isErasing: boolean;
  onMask: (mask: Mask) => void;
}) => {
  const canvas = useRef<HTMLCanvasElement>(null);
  const last = useRef<readonly [number, number] | null>(null);
  const current = useRef(mask);
  const { width, height } = mask;
  const [cursor, setCursor] = useState<readonly [number, number]>([width / 2, height / 2]);
  const [isFocused, setFocused] = useState(false);
  const shown = useStore(theme);
  current.current = mask;

  const paint = (from: readonly [number, number], to: readonly [number, number]) => {
    current.current = paintStroke(current.current, { from, to, size, value: isErasing ? 0 : 1 });
    onMask(current.current);
  };

  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const accent = getComputedStyle(document.documentElement).getPropertyValue("--accent").trim();
    context.imageSmoothingEnabled = false;
    context.globalAlpha = 1;
    context.drawImage(image, 0, 0, width * ZOOM, height * ZOOM);
    context.globalAlpha = 0.72;
    context.fillStyle = accent;
    mask.data.forEach((value, i) => {
      if (value === 1) context.fillRect((i % width) * ZOOM, Math.floor(i / width) * ZOOM, ZOOM, ZOOM);
    });
    if (!isFocused) return;
    context.globalAlpha = 1;
    for (const [color, line] of [["#000", 4], ["#fff", 2]] as const) {
      context.strokeStyle = color;
      context.lineWidth = line;
      context.beginPath();
      context.arc(cursor[0] * ZOOM, cursor[1] * ZOOM, size / 2 * ZOOM, 0, 2 * Math.PI);
      context.stroke();
    }
  }, [image, mask, cursor, isFocused, size, shown]);

  const positionOf = (event: PointerEvent): readonly [number, number] => {
    const box = canvas.current!.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * width, (event.clientY - box.top) / box.height * height];
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === " ") {
      event.preventDefault();
      return paint(cursor, cursor);
    }
    const step = ARROW_STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = [
      Math.min(width - 0.5, Math.max(0.5, cursor[0] + step[0])),
      Math.min(height - 0.5, Math.max(0.5, cursor[1] + step[1])),
    ] as const;
    if (event.shiftKey) paint(cursor, next);
    setCursor(next);
  };

  return (
    <canvas
      ref={canvas}
      class="brush"
      width={width * ZOOM}
      height={height * ZOOM}
      tabIndex={0}
      role="application"
      aria-roledescription="mask"
      aria-label="Part to redraw: arrows move the brush, Space paints, Shift with arrows draws a line"
      onFocus={() => setFocused(true)}
      onBlur={() => setFocused(false)}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        last.current = positionOf(event);
        setCursor(last.current);
        paint(last.current, last.current);
      }}
      onPointerMove={(event) => {
        if (last.current === null) return;
        const to = positionOf(event);
        paint(last.current, to);
        last.current = to;
        setCursor(to);
      }}
      onPointerUp={() => last.current = null}
      onPointerCancel={() => last.current = null}
    />
  );
};

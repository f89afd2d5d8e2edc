import { useEffect, useRef, useState } from "preact/hooks";
import { useStore } from "../state/store.ts";
import { theme } from "../state/theme.ts";
import { type Mask, stroke } from "./mask.ts";

/** Pixels of the canvas for each of the image's. */
const ZOOM = 12;

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/**
 * An image to brush a mask on: with a pointer, or with the keys: arrows move the brush, Space paints, and both together
 * with Shift draw a line.
 */
export const Brush = ({ image, mask, size, isErasing, onMask }: {
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
    current.current = stroke(current.current, { from, to, size, value: isErasing ? 0 : 1 });
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

  const placeOf = (event: PointerEvent): readonly [number, number] => {
    const box = canvas.current!.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * width, (event.clientY - box.top) / box.height * height];
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === " ") {
      event.preventDefault();
      return paint(cursor, cursor);
    }
    const step = STEPS[event.key];
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
      aria-label="What to draw anew: arrows move the brush, Space paints, Shift with arrows draws a line"
      onFocus={() => setFocused(true)}
      onBlur={() => setFocused(false)}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        last.current = placeOf(event);
        setCursor(last.current);
        paint(last.current, last.current);
      }}
      onPointerMove={(event) => {
        if (last.current === null) return;
        const to = placeOf(event);
        paint(last.current, to);
        last.current = to;
        setCursor(to);
      }}
      onPointerUp={() => last.current = null}
      onPointerCancel={() => last.current = null}
    />
  );
};

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useUniqueId } from "../state/unique_id.ts";

interface Common {
  readonly label: string;
  /** Said below the field. */
  readonly hint?: string;
  /** What the server has against the value. */
  readonly error?: string;
  readonly disabled?: boolean;
  /** Whether it has a row to itself on a desk: what may be long. */
  readonly isWide?: boolean;
}

const Frame = ({ label, hint, error, isWide, id, children, value }: Common & {
  id: string;
  value?: string;
  children: ComponentChildren;
}) => (
  <div class={`field${error ? " is-wrong" : ""}${isWide ? " is-wide" : ""}`}>
    <label for={id}>
      {label}
      {value !== undefined && <output for={id}>{value}</output>}
    </label>
    {children}
    {(error || hint) && <p id={`${id}-note`} class={error ? "wrong" : "hint"}>{error ?? hint}</p>}
  </div>
);

const described = (id: string, { hint, error }: Common) => ({
  "aria-describedby": hint || error ? `${id}-note` : undefined,
  "aria-invalid": error ? true : undefined,
});

/** One of several. */
export const Select = ({ value, options, onChange, ...common }: Common & {
  value: string;
  options: readonly (string | readonly [value: string, text: string])[];
  onChange: (value: string) => void;
}) => {
  const id = useUniqueId();
  return (
    <Frame {...common} id={id}>
      <select
        id={id}
        value={value}
        disabled={common.disabled}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
        {...described(id, common)}
      >
        {options.map((option) => {
          const [own, text] = typeof option === "string" ? [option, option] : option;
          return <option key={own} value={own} selected={own === value}>{text}</option>;
        })}
      </select>
    </Frame>
  );
};

/** A number, kept as text: what is typed is taken when the field is left or Enter is pressed. */
export const NumberField = ({ value, min, max, step, placeholder, onChange, ...common }: Common & {
  value: string;
  min?: number;
  max?: number;
  step?: number | "any";
  placeholder?: string;
  onChange: (value: string) => void;
}) => {
  const id = useUniqueId();
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const take = () => typed !== value && onChange(typed);
  return (
    <Frame {...common} id={id}>
      <input
        id={id}
        type="number"
        inputMode="decimal"
        value={typed}
        min={min}
        max={max}
        step={step ?? 1}
        placeholder={placeholder}
        disabled={common.disabled}
        onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        onChange={take}
        onBlur={take}
        {...described(id, common)}
      />
    </Frame>
  );
};

/** A text, with some that may be meant. */
export const TextField = ({ value, placeholder, list = [], onChange, ...common }: Common & {
  value: string;
  placeholder?: string;
  list?: readonly string[];
  onChange: (value: string) => void;
}) => {
  const id = useUniqueId();
  return (
    <Frame {...common} id={id}>
      <input
        id={id}
        type="text"
        value={value}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        placeholder={placeholder}
        disabled={common.disabled}
        list={`${id}-list`}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
        {...described(id, common)}
      />
      <datalist id={`${id}-list`}>{list.map((item) => <option key={item} value={item} />)}</datalist>
    </Frame>
  );
};

/** A text that nobody should read over the shoulder. */
export const SecretField = ({ value, onChange, ...common }: Common & {
  value: string;
  onChange: (value: string) => void;
}) => {
  const id = useUniqueId();
  return (
    <Frame {...common} id={id}>
      <input
        id={id}
        type="password"
        value={value}
        autocomplete="off"
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
        {...described(id, common)}
      />
    </Frame>
  );
};

/** A number on a line, with what it says beside its name. */
export const Slider = ({ value, min, max, step = 1, text, onChange, ...common }: Common & {
  value: number;
  min: number;
  max: number;
  step?: number | "any";
  /** The value as it is read. */
  text?: string;
  onChange: (value: number) => void;
}) => {
  const id = useUniqueId();
  const part = max > min ? (value - min) / (max - min) : 0;
  return (
    <Frame {...common} id={id} value={text ?? String(value)}>
      <input
        id={id}
        type="range"
        style={{ "--part": `${part * 100}%` }}
        value={value}
        min={min}
        max={max}
        step={step}
        disabled={common.disabled}
        aria-valuetext={text}
        onInput={({ currentTarget }) => onChange(Number(currentTarget.value))}
        {...described(id, common)}
      />
    </Frame>
  );
};

/** One of a few, all of them in sight. */
export const Choice = <T extends string>({ label, value, options, onChange }: {
  label: string;
  value: T;
  options: readonly (readonly [value: T, text: string])[];
  onChange: (value: T) => void;
}) => {
  const name = useUniqueId();
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      <div>
        {options.map(([own, text]) => (
          <label key={own}>
            <input type="radio" name={name} value={own} checked={own === value} onChange={() => onChange(own)} />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
};

/** Yes or no. */
export const Check = (
  { label, value, onChange }: { label: string; value: boolean; onChange: (value: boolean) => void },
) => (
  <label class="check">
    <input type="checkbox" checked={value} onChange={({ currentTarget }) => onChange(currentTarget.checked)} />
    <span>{label}</span>
  </label>
);

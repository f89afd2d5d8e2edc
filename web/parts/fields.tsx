import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

let last = 0;

/** An id that no other element of the page has, whichever root of Preact's it is drawn by; `useId` counts in each anew. */
export const useUniqueId = (): string => useState(() => `id-${++last}`)[0];

/**
 * What a form does when it is submitted. A field that Enter was pressed in says its value just before; the action waits
 * until the component knows it.
 */
export const useSubmit = (action: () => void): (event: Event) => void => {
  const latest = useRef(action);
  latest.current = action;
  return (event) => {
    event.preventDefault();
    setTimeout(() => latest.current());
  };
};

interface FieldProps {
  readonly label: string;
  /** Said below the field. */
  readonly hint?: string;
  /** What the server has against the value. */
  readonly error?: string;
  readonly disabled?: boolean;
  /** Whether it has a row to itself on a desk: what may be long. */
  readonly isWide?: boolean;
}

const FieldFrame = ({ label, hint, error, isWide, id, children, value }: FieldProps & {
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

const describedBy = (id: string, { hint, error }: FieldProps) => ({
  "aria-describedby": hint || error ? `${id}-note` : undefined,
  "aria-invalid": error ? true : undefined,
});

/** One of several. */
export const Select = ({ value, options, onChange, ...common }: FieldProps & {
  value: string;
  options: readonly (string | readonly [value: string, text: string])[];
  onChange: (value: string) => void;
}) => {
  const id = useUniqueId();
  return (
    <FieldFrame {...common} id={id}>
      <select
        id={id}
        value={value}
        disabled={common.disabled}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
        {...describedBy(id, common)}
      >
        {options.map((option) => {
          const [own, text] = typeof option === "string" ? [option, option] : option;
          return <option key={own} value={own} selected={own === value}>{text}</option>;
        })}
      </select>
    </FieldFrame>
  );
};

/** A number, kept as text: what is typed is taken when the field is left or Enter is pressed. */
export const NumberField = ({ value, min, max, step, placeholder, onChange, ...common }: FieldProps & {
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
    <FieldFrame {...common} id={id}>
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
        {...describedBy(id, common)}
      />
    </FieldFrame>
  );
};

/** A text, with some that may be meant. */
export const TextField = ({ value, placeholder, list = [], onChange, ...common }: FieldProps & {
  value: string;
  placeholder?: string;
  list?: readonly string[];
  onChange: (value: string) => void;
}) => {
  const id = useUniqueId();
  return (
    <FieldFrame {...common} id={id}>
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
        {...describedBy(id, common)}
      />
      <datalist id={`${id}-list`}>{list.map((item) => <option key={item} value={item} />)}</datalist>
    </FieldFrame>
  );
};

/** A text that nobody should read over the shoulder. */
export const SecretField = ({ value, onChange, ...common }: FieldProps & {
  value: string;
  onChange: (value: string) => void;
}) => {
  const id = useUniqueId();
  return (
    <FieldFrame {...common} id={id}>
      <input
        id={id}
        type="password"
        value={value}
        autocomplete="off"
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
        {...describedBy(id, common)}
      />
    </FieldFrame>
  );
};

/** A number on a line, with what it says beside its name. */
export const Slider = ({ value, min, max, step = 1, text, onChange, ...common }: FieldProps & {
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
    <FieldFrame {...common} id={id} value={text ?? String(value)}>
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
        {...describedBy(id, common)}
      />
    </FieldFrame>
  );
};

/** One of a few, all of them in sight. */
export const RadioGroup = <T extends string>({ label, value, options, onChange }: {
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
export const Checkbox = (
  { label, value, disabled, onChange }: {
    label: string;
    value: boolean;
    disabled?: boolean;
    onChange: (value: boolean) => void;
  },
) => (
  <label class="check">
    <input
      type="checkbox"
      checked={value}
      disabled={disabled}
      onChange={({ currentTarget }) => onChange(currentTarget.checked)}
    />
    <span>{label}</span>
  </label>
);

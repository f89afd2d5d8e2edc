import { useState } from "preact/hooks";
import { requestJson } from "../api/client.ts";
import type { JobAnswer } from "../api/types.ts";
import { type FieldSchema, serverDescription } from "../state/server.ts";
import { useStore } from "../state/store.ts";
import { NumberField, Select, TextField, useSubmit } from "./fields.tsx";
import { ErrorNotice, issueOf, Notice } from "./notice.tsx";

/** What is asked for at first sight; the rest is below. */
const FIRST = ["name", "preset", "data", "steps", "batch", "lr", "schedule", "prediction"];
const DATA = ["mnist", "mnist-test", "cifar10", "cifar10-test", "emoji"];

const TITLES: Readonly<Record<string, string>> = { lr: "Learning rate", ema: "EMA decays", timesteps: "T" };

/** `checkpointEvery` as `Checkpoint every`. */
const titleOf = (name: string): string => {
  const words = name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return TITLES[name] ?? words[0].toUpperCase() + words.slice(1);
};

/** What a field's text stands for; what cannot be read is sent as it is, so that the server says what is wrong with it. */
const valueOf = ({ type }: FieldSchema, text: string): unknown => {
  const number = (part: string) => part.trim() === "" || Number.isNaN(Number(part)) ? part : Number(part);
  if (type === "number" || type === "integer") return number(text);
  if (type === "boolean") return text === "yes";
  if (type === "array") return text.split(",").map(number);
  return text;
};

const Field = ({ name, schema, value, error, hint, onChange }: {
  name: string;
  schema: FieldSchema;
  value: string;
  error?: string;
  hint?: string;
  onChange: (value: string) => void;
}) => {
  const common = { label: titleOf(name), value, error, hint, onChange };
  const usual = schema.default === undefined ? "default" : String(schema.default);
  if (schema.enum) return <Select {...common} options={[["", usual] as const, ...schema.enum]} />;
  if (schema.type === "boolean") {
    const text = schema.default === undefined ? usual : schema.default ? "yes" : "no";
    return <Select {...common} options={[["", text] as const, "yes", "no"]} />;
  }
  if (schema.type === "number" || schema.type === "integer") {
    return <NumberField {...common} step="any" min={schema.minimum} max={schema.maximum} placeholder={usual} />;
  }
  const placeholder = name === "name" ? "made up" : name === "init" ? "none" : usual;
  return <TextField {...common} placeholder={placeholder} list={name === "data" ? DATA : undefined} />;
};

/** Asks for a model to be trained; its fields are those that the server describes. */
export const JobForm = ({ onAdded }: { onAdded: (job: JobAnswer) => void }) => {
  const schemas = useStore(serverDescription)?.job;
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);

  const submit = async () => {
    if (schemas === undefined) return;
    setBusy(true);
    setError(null);
    try {
      const given = Object.entries(values).filter(([, text]) => text !== "");
      const body = Object.fromEntries(given.map(([name, text]) => [name, valueOf(schemas[name], text)]));
      const job = await requestJson<JobAnswer>("/jobs", { body });
      setValues(({ name: _, ...rest }) => rest);
      onAdded(job);
    } catch (error) {
      setError(error as Error);
    } finally {
      setBusy(false);
    }
  };
  const onSubmit = useSubmit(submit);
  if (schemas === undefined) return <Notice busy>Asking what can be trained …</Notice>;
  const field = (name: string, withHint: boolean) => (
    <Field
      key={name}
      name={name}
      schema={schemas[name]}
      value={values[name] ?? ""}
      hint={withHint ? schemas[name].description : undefined}
      error={issueOf(error, name)}
      onChange={(value) => setValues((now) => ({ ...now, [name]: value }))}
    />
  );
  const rest = Object.keys(schemas).filter((name) => !FIRST.includes(name));
  return (
    <form class="controls" noValidate onSubmit={onSubmit}>
      {FIRST.filter((name) => name in schemas).map((name) => field(name, false))}
      <details>
        <summary>All options</summary>
        <div class="controls rest">{rest.map((name) => field(name, true))}</div>
      </details>
      {error && (
        <div class="wide">
          <ErrorNotice error={error} />
        </div>
      )}
      <div class="buttons">
        <button type="submit" class="main" disabled={busy}>{busy ? "Asking …" : "Train"}</button>
      </div>
    </form>
  );
};

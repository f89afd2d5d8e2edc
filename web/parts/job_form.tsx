import { useEffect, useState } from "preact/hooks";
import { requestJson } from "../api/client.ts";
import type { JobAnswer, RecipeAnswer } from "../api/types.ts";
import { type FieldSchema, serverDescription } from "../state/server.ts";
import { useStore } from "../state/store.ts";
import { NumberField, Select, TextField, useSubmit } from "./fields.tsx";
import { ErrorNotice, issueOf, Notice } from "./notice.tsx";
import { optionText, optionTitle } from "./recipe.tsx";

/** What is asked for at first sight; the rest is below. */
const FIRST = ["name", "preset", "data", "steps", "batch", "lr", "schedule", "prediction"];
const DATA = ["mnist", "mnist-test", "cifar10", "cifar10-test", "emoji"];

/** What a field's text stands for; what cannot be read is sent as it is, so that the server says what is wrong with it. */
const valueOf = ({ type }: FieldSchema, text: string): unknown => {
  const number = (part: string) => part.trim() === "" || Number.isNaN(Number(part)) ? part : Number(part);
  if (type === "number" || type === "integer") return number(text);
  if (type === "boolean") return text === "yes";
  if (type === "array") return text.split(",").map(number);
  return text;
};

const Field = ({ name, schema, value, usual, error, hint, onChange }: {
  name: string;
  schema: FieldSchema;
  value: string;
  /** What it is if nobody chooses. */
  usual: string;
  error?: string;
  hint?: string;
  onChange: (value: string) => void;
}) => {
  const common = { label: optionTitle(name), value, error, hint, onChange };
  if (schema.enum) return <Select {...common} options={[["", usual] as const, ...schema.enum]} />;
  if (schema.type === "boolean") return <Select {...common} options={[["", usual] as const, "yes", "no"]} />;
  if (schema.type === "number" || schema.type === "integer") {
    return <NumberField {...common} step="any" min={schema.minimum} max={schema.maximum} placeholder={usual} />;
  }
  return <TextField {...common} placeholder={usual} list={name === "data" ? DATA : undefined} />;
};

/** Milliseconds without a change after which the server is asked what the options come to. */
const PAUSE = 250;

type Texts = Readonly<Record<string, string>>;

/** The options that were chosen. */
const optionsOf = (values: Texts, schemas: Readonly<Record<string, FieldSchema>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(values).filter(([, text]) => text !== "").map((
      [name, text],
    ) => [name, valueOf(schemas[name], text)]),
  );

/** What every option is, chosen or not; null until it is known. Options that do not go together leave it as it was. */
const useRecipe = (values: Texts, schemas: Readonly<Record<string, FieldSchema>> | undefined) => {
  const [recipe, setRecipe] = useState<RecipeAnswer["recipe"] | null>(null);
  useEffect(() => {
    if (schemas === undefined) return;
    const controller = new AbortController();
    const { name: _, ...body } = optionsOf(values, schemas);
    const ask = () =>
      requestJson<RecipeAnswer>("/recipe", { body, signal: controller.signal })
        .then(({ recipe }) => setRecipe(recipe)).catch(() => {});
    const timer = setTimeout(ask, recipe === null ? 0 : PAUSE);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [values, schemas]);
  return recipe;
};

/** Asks for a model to be trained; its fields are those that the server describes. */
export const JobForm = ({ onAdded }: { onAdded: (job: JobAnswer) => void }) => {
  const schemas = useStore(serverDescription)?.job;
  const [values, setValues] = useState<Texts>({});
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const recipe = useRecipe(values, schemas);

  const submit = async () => {
    if (schemas === undefined) return;
    setBusy(true);
    setError(null);
    try {
      const job = await requestJson<JobAnswer>("/jobs", { body: optionsOf(values, schemas) });
      setValues(({ name: _, ...rest }) => rest);
      onAdded(job);
    } catch (error) {
      setError(error as Error);
    } finally {
      setBusy(false);
    }
  };
  const onSubmit = useSubmit(submit);
  if (schemas === undefined) return <Notice busy>Loading the options …</Notice>;
  const field = (name: string, withHint: boolean) => (
    <Field
      key={name}
      name={name}
      schema={schemas[name]}
      value={values[name] ?? ""}
      usual={name === "name" ? "made up" : recipe === null ? "…" : optionText(name, recipe[name])}
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

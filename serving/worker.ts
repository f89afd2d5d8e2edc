/** The sampling Worker of a program: its engine is the best of the machine, its models lie on disk. */
import { openEngine } from "../engine/mod.ts";
import { loadPipeline } from "../model/pipeline.ts";
import { answerMessages } from "./answer_messages.ts";
import { createHeapReader } from "./heap.ts";
import { createMailbox } from "./time_sharing.ts";

answerMessages(() => ({
  openEngine,
  loadPipeline: (folder) => loadPipeline(folder),
  createMailbox: (sent) => createMailbox(sent!),
  heap: createHeapReader(),
}));

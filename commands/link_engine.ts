import { linkTensorflow } from "../engine/tensorflow/link.ts";

/** Links a TensorFlow that is installed elsewhere into the project's own folder, and says which. */
export const linkEngine = async (from: string): Promise<void> => {
  const { version, target } = await linkTensorflow(from);
  console.log(`linked TensorFlow ${version} in ${target}`);
};

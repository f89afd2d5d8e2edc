/** ELF's e_machine of the processors that Deno runs on. */
const MACHINES: Record<number, string> = { 0x3e: "x86_64", 0xb7: "aarch64", 0x03: "x86", 0x28: "arm", 0xf3: "riscv64" };

/** The processor that an ELF library is built for; `null` for any other file, or one that cannot be read. */
export const machineOf = (path: string): string | null => {
  try {
    using file = Deno.openSync(path);
    const header = new Uint8Array(20);
    if (file.readSync(header) !== header.length) return null;
    const view = new DataView(header.buffer);
    if (view.getUint32(0) !== 0x7f454c46) return null;
    const machine = view.getUint16(18, true);
    return MACHINES[machine] ?? `processor ${machine}`;
  } catch {
    return null;
  }
};

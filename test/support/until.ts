/** Polls until it is so. @throws after the deadline, with what it waited for and the last failure */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { withinMs = 30_000, everyMs = 25 }: { withinMs?: number; everyMs?: number } = {},
): Promise<void> {
  const deadline = Date.now() + withinMs;
  let last = '';
  for (;;) {
    try {
      if (await isSo()) return;
      last = 'not yet so';
    } catch (error) {
      last = String(error);
    }
    if (Date.now() > deadline) throw new Error(`Waited ${withinMs} ms in vain until ${what}: ${last}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

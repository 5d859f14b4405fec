/** Schedules as code: what differs between those declared and those on the server, and making it so. */
import { Problem, type Longhaul, type ScheduleBody, type ScheduleDeclaration } from '../client/index.js';

/** Who owns the schedules that are declared: only these are touched. */
export const owner = 'schedules.ts';

export interface ScheduleEdit {
  readonly edit: 'create' | 'update' | 'delete';
  readonly id: string;
  /** For people: the job type, or what differs. */
  readonly about: string;
  make(): Promise<void>;
}

/** What can't be applied as it is declared. */
export class DeclarationsRefused extends Error {
  override readonly name = 'DeclarationsRefused';
}

/**
 * Touches nothing.
 * @throws DeclarationsRefused with a line for each declaration that the API would refuse
 */
export async function editsFor(client: Longhaul, declared: readonly ScheduleDeclaration[]): Promise<ScheduleEdit[]> {
  const faults: string[] = [];
  const ids = declared.map(({ id }) => id);
  for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index)))
    faults.push(`${id}: is declared twice. Give each its own id.`);

  const edits: ScheduleEdit[] = [];
  for (const declaration of declared) {
    const compared = await editOf(client, declaration);
    if (typeof compared === 'string') faults.push(compared);
    else if (compared !== undefined) edits.push(compared);
  }
  if (faults.length > 0) throw new DeclarationsRefused(faults.join('\n'));
  return [...edits, ...(await leftOver(client, new Set(ids)))];
}

/** @returns undefined if nothing differs, a text if it is refused */
async function editOf(
  client: Longhaul,
  { id, ...rest }: ScheduleDeclaration,
): Promise<ScheduleEdit | string | undefined> {
  const body: ScheduleBody = { ...rest, managedBy: owner };
  try {
    const { change, fields } = await client.schedules.compare(id, body);
    if (change === 'none') return undefined;
    const make = async () => void (await client.schedules.put(id, body));
    return { edit: change, id, about: change === 'create' ? rest.type : fields.join(', '), make };
  } catch (error) {
    if (!(error instanceof Problem) || ![409, 422].includes(error.status)) throw error;
    return `${id}: ${error.detail}`;
  }
}

/** Ours that are no longer declared. The list may lag, so one made just now is found by the next look. */
async function leftOver(client: Longhaul, declared: ReadonlySet<string>): Promise<ScheduleEdit[]> {
  const edits: ScheduleEdit[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await client.schedules.list(cursor ? { cursor } : {});
    for (const { id, type, managedBy } of page.schedules) {
      if (managedBy !== owner || declared.has(id)) continue;
      edits.push({ edit: 'delete', id, about: type, make: () => deleteOnce(client, id) });
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  return edits;
}

async function deleteOnce(client: Longhaul, id: string): Promise<void> {
  try {
    await client.schedules.delete(id, { by: owner, reason: `no longer in ${owner}` });
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404) throw error; // else another apply was faster
  }
}

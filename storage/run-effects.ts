/** The effect keys of what a batch or a bulk act does to other runs: by its place in the list, so that they sort by it. */
export const runEffects = (tenant: string, workflowId: string) => `${tenant}/run/${oneSegment(workflowId)}/`;

export const runEffect = (tenant: string, workflowId: string, index: number) =>
  `${runEffects(tenant, workflowId)}${String(index).padStart(6, '0')}`;

/** An ID that was given in Temporal's UI may have slashes: no key begins with that of another run. */
const oneSegment = (id: string) => id.replaceAll('%', '%25').replaceAll('/', '%2F');

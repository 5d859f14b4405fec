/** @param uiUrl of the Temporal Web UI, without a slash at its end */
export function runInTemporalUi(uiUrl: string, namespace: string, workflowId: string, runId: string): string {
  const id = encodeURIComponent(workflowId).replaceAll('%3A', ':'); // legal in a path, and readable
  return `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows/${id}/${runId}`;
}

export const scheduleInTemporalUi = (uiUrl: string, namespace: string, id: string) =>
  `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/schedules/${encodeURIComponent(id)}`;

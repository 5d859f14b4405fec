/** How far a run is. Pure: the workflow sandbox reads it too. */
export interface Progress {
  /** Never goes back. */
  readonly done: number;
  /** Null until it is known: an uploaded list is counted by the run's first step. */
  readonly total: number | null;
  readonly unit: string;
  readonly message: string;
}

export const progressQuery = 'progress';

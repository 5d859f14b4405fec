/** The search attributes of every run. Pure: the workflow sandbox reads it too. */
import { defineSearchAttributeKey } from '@temporalio/common';

export const searchAttributes = {
  tenant: defineSearchAttributeKey('Tenant', 'KEYWORD'),
  /** Where an open run stands, beyond Temporal's own status: scheduled, running, paused or cancelling. */
  jobState: defineSearchAttributeKey('JobState', 'KEYWORD'),
  failureCode: defineSearchAttributeKey('FailureCode', 'KEYWORD'),
  tags: defineSearchAttributeKey('Tags', 'KEYWORD_LIST'),
  /** Of the first run of a chain: Temporal's own StartTime is that of its latest. */
  createdAt: defineSearchAttributeKey('CreatedAt', 'DATETIME'),
  dueAt: defineSearchAttributeKey('DueAt', 'DATETIME'),
};

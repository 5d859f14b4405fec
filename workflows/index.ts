/** Each job's workflow, exported under its job type: that is its name in Temporal. */
export { runEmailCampaign as 'email-campaign' } from './email-campaign.js';
export { runFilePipeline as 'file-pipeline' } from './file-pipeline.js';
export { runBatch as batch } from './batch.js';
export { runBulk as bulk } from './bulk.js';
// Yours below: upstream changes nothing here.

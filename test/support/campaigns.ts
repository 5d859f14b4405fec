/** Recipients for tests: `user<n>@example.com`, as many as wanted. */
export const addressOf = (n: number) => `user${n}@example.com`;

export const recipientsOf = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ email: addressOf(n), name: `User ${n}` }));

export const campaignOf = (count: number) => ({ template: 'welcome' as const, recipients: recipientsOf(count) });

export const addressesOf = (count: number) =>
  recipientsOf(count)
    .map(({ email }) => email)
    .sort();

// The headers that show who is asking, for the page and for the service worker.

/** `account` is what `account.key()` said when the request was made. */
export async function headersOf(account) {
  return { Authorization: `Bearer ${account}` };
}

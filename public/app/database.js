// IndexedDB with promises: what waits to be sent, what was loaded and what was looked at last.

const NAME = "parrot";
const VERSION = 2; // grows with the stores
const STORES = { outbox: "id", birds: ["account", "id"], notes: "name", recent: "id" };
let opening = null;

function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      const { result: database } = request;
      for (const [store, keyPath] of Object.entries(STORES)) {
        if (!database.objectStoreNames.contains(store)) database.createObjectStore(store, { keyPath });
      }
    };
    request.onsuccess = () => {
      // A newer page wants other stores: this one opens them again when it needs them.
      request.result.onversionchange = () => {
        request.result.close();
        opening = null;
      };
      resolve(request.result);
    };
    request.onerror = () => {
      opening = null;
      reject(request.error);
    };
  });
  return opening;
}

async function run(store, mode, action) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, mode);
    const request = action(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

export const drop = (store, key) => run(store, "readwrite", (rows) => rows.delete(key));

export async function all(store, range) {
  return Promise.all((await run(store, "readonly", (rows) => rows.getAll(range))).map(whole));
}

export async function get(store, key) {
  return whole(await run(store, "readonly", (rows) => rows.get(key)));
}

/** A private window of Safari keeps no Blob: there, photos are kept as their bytes. */
export async function put(store, row) {
  const keep = (kept) => run(store, "readwrite", (rows) => rows.put(kept));
  return keep(row).catch(async () => keep(await (await import("./bytes.js")).packed(row)));
}

/** What an action gives, undefined where there is no storage, or none left: the page works without. */
export async function safely(action) {
  try {
    return await action();
  } catch (error) {
    console.warn(error);
    return undefined;
  }
}

async function whole(row) {
  return row?.packed ? (await import("./bytes.js")).unpacked(row) : row;
}

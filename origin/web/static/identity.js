// Who this browser is to a room: an id that keeps its seat over reloads and lost connections.

function fresh() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), b => b.toString(16).padStart(2, '0')).join('');
}

function kept(storage) {
  try {
    const id = storage().getItem('tilecast.id') ?? fresh();
    storage().setItem('tilecast.id', id);
    return id;
  } catch {
    return fresh();
  }
}

// claim holds a name for as long as the page lives, and says whether it was free.
function claim(name) {
  return new Promise(resolve => {
    navigator.locks.request(name, { ifAvailable: true }, lock => {
      resolve(Boolean(lock));
      return lock ? new Promise(() => {}) : undefined;
    }).catch(() => resolve(true));
  });
}

// identity is the browser's id; a second page of the same browser in the same room is somebody else.
export async function identity(room) {
  for (const id of [kept(() => localStorage), kept(() => sessionStorage)]) {
    if (!navigator.locks || await claim(`tilecast.${room}.${id}`)) return id;
  }
  return fresh();
}

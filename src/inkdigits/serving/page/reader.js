// The reader behind the page: here, the service that the page came from.

/** What goes wrong between the page and its reader: `message` is for people. */
export class ReaderError extends Error {}

/** Read a picture, given as a Blob; the reading has the form that the service answers. */
export async function read(blob, signal) {
  const headers = { "Content-Type": blob.type || "application/octet-stream" };
  let answer;
  try {
    answer = await fetch("v1/read?detail=true", { method: "POST", headers, body: blob, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ReaderError("The reader cannot be reached. Is it still running, and are you online?");
  }
  if (answer.ok) {
    const found = await answer.json();
    return Array.isArray(found) ? found[0] : found;
  }
  if (answer.status === 503) throw new ReaderError("The reader is busy. Try again in a moment.");
  if (answer.status === 413) throw new ReaderError("This picture is too large. Crop it, or scale it down.");
  const { error } = await answer.json().catch(() => ({}));
  throw new ReaderError(sentence(error?.message ?? `The reader failed (${answer.status}).`));
}

/** Which reader this is, in a sentence. */
export async function about() {
  const answer = await fetch("v1/reader");
  if (!answer.ok) return "";
  const { origin = {} } = await answer.json();
  return `Read by ${origin.network}, trained on ${origin["trained on"]}. What you write goes to this page’s own server and is not kept.`;
}

function sentence(text) {
  const whole = text[0].toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

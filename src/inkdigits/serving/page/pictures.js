// Pictures from outside: opened, photographed, dropped or pasted.

const MOST_SIDE = 2400; // a larger photo is brought to this many pixels before it is sent
const MOST_BYTES = 4 * 1024 * 1024;

/** Call take(file) for every picture that is opened, photographed, dropped on the page or pasted. */
export function watchPictures(inputs, take) {
  for (const input of inputs) {
    input.addEventListener("change", () => {
      if (input.files.length) take(input.files[0]);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  const within = document.documentElement;
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0; // of the elements being dragged over: leaving one is entering another
  addEventListener("dragenter", (event) => {
    if (carries(event)) within.toggleAttribute("data-drop", ++depth > 0);
  });
  addEventListener("dragleave", (event) => {
    if (carries(event)) within.toggleAttribute("data-drop", --depth > 0);
  });
  addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    within.toggleAttribute("data-drop", (depth = 0) > 0);
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => {
    const [file] = event.clipboardData?.files ?? [];
    if (!file) return;
    event.preventDefault();
    take(file);
  });
}

/** What to send for a file, and what to show: {blob, url, width, height}.
 *
 * A large photo is scaled down, which also leaves its place and time behind. Of a file that this
 * browser cannot show, url is null and the bytes are sent as they are: the reader may know them.
 */
export async function prepare(file) {
  let image;
  try {
    image = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return { blob: file, url: null, width: 0, height: 0 };
  }
  const { width, height } = image;
  const scale = Math.min(1, MOST_SIDE / Math.max(width, height));
  if (scale === 1 && file.size <= MOST_BYTES) {
    image.close();
    return { blob: file, url: URL.createObjectURL(file), width, height };
  }
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // under what is transparent
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
  return { blob, url: URL.createObjectURL(blob), width: canvas.width, height: canvas.height };
}

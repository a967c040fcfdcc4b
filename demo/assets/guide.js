// The guide beside the shell's scripts: the countdown, which any click calls off,
// and the sound of a telephone, once the reader has asked for it. A telephone on
// a telephone has the latter alone, and shakes where it can.
const hold = () => {
  if (!document.getElementById("g-count")) return;
  fetch("/guide/wait", { method: "POST", headers: { Accept: "application/json" } });
};
addEventListener("pointerdown", hold);
addEventListener("keydown", hold);

setInterval(() => {
  const count = document.getElementById("g-count");
  if (!count) return;
  const left = Math.max(1, Math.ceil((Number(count.dataset.until) - Date.now()) / 1000));
  const text = count.dataset.say.replace("%", String(left));
  if (count.textContent !== text) count.textContent = text;
}, 250);

let sound = null;
const button = document.getElementById("g-sound");
button.hidden = false;
button.addEventListener("click", async () => {
  if (sound) {
    await sound.close();
    sound = null;
  } else {
    sound = new AudioContext();
    await sound.resume();
  }
  button.setAttribute("aria-pressed", String(Boolean(sound)));
  button.textContent = sound ? button.dataset.off : button.dataset.on;
});

const rings = () => {
  const now = document.getElementById("now");
  if (now) return Boolean(now.dataset.ringing);
  return Boolean(document.querySelector(".guide-handset")?.contentDocument?.querySelector(".phone.ringing"));
};

// Two tones of 400 Hz with a beat of 16 Hz, one second on and two off, as
// telephones ring in Japan.
setInterval(() => {
  if (!sound || !rings()) return;
  navigator.vibrate?.(1000);
  const volume = sound.createGain();
  volume.gain.value = 0.08;
  volume.connect(sound.destination);
  for (const hz of [384, 416]) {
    const tone = sound.createOscillator();
    tone.frequency.value = hz;
    tone.connect(volume);
    tone.start();
    tone.stop(sound.currentTime + 1);
  }
}, 3000);

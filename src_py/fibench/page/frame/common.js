const d = document, root = d.documentElement;
const all = what => [...d.querySelectorAll(what)];
// Light or dark, as somebody chose it: kept where that is possible.
const kept = value => { try { return value ? localStorage.setItem('fibench', value) : localStorage.getItem('fibench') } catch { return '' } };
const show = theme => { if (theme) root.dataset.theme = theme };
show(kept());
const switcher = d.getElementById('theme');
switcher.hidden = false;
switcher.onclick = () => {
const now = root.dataset.theme || (matchMedia('(prefers-color-scheme:dark)').matches ? 'dark' : 'light');
const next = now == 'dark' ? 'light' : 'dark';
show(next); kept(next);
};
// What a mark says, beside the pointer.
const tip = d.createElement('div');
tip.id = 'tip'; tip.setAttribute('aria-hidden', 'true'); d.body.append(tip);
let held;
const hide = () => { tip.style.visibility = 'hidden'; if (held) held[0].append(held[1]); held = null };
d.addEventListener('pointermove', e => {
const mark = e.target.closest && e.target.closest('circle,use');
const title = mark && (held && held[0] == mark ? held[1] : mark.querySelector('title'));
if (!title) return hide();
if (!held || held[0] != mark) { hide(); title.remove(); held = [mark, title] }
tip.textContent = title.textContent; tip.style.visibility = 'visible';
const x = Math.max(8, Math.min(e.clientX + 12, innerWidth - tip.offsetWidth - 8)), y = e.clientY - tip.offsetHeight - 10;
tip.style.transform = `translate(${x}px,${y < 4 ? e.clientY + 16 : y}px)`;
});
d.addEventListener('keydown', e => { if (e.key == 'Escape') hide() });

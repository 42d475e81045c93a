// The same cell everywhere.
const light = name => all('[data-cell]').forEach(e => {
e.classList.toggle('lit', e.dataset.cell == name);
if (e.matches('.panel')) e.classList.toggle('dim', !!name && e.dataset.cell != name && e.parentElement.matches(':hover'));
});
all('[data-cell]').forEach(e => { e.onpointerenter = () => light(e.dataset.cell); e.onpointerleave = () => light() });
// A link opens what it leads into.
const open = () => {
const to = location.hash[1] && d.getElementById(decodeURIComponent(location.hash.slice(1)));
for (let e = to; e; e = e.parentElement) if (e.localName == 'details') e.open = true;
if (to) to.scrollIntoView();
};
addEventListener('hashchange', open); open();
const say = (button, text) => {
const own = button.dataset.own ||= button.textContent;
button.textContent = text; setTimeout(() => button.textContent = own, 1600);
};
all('[data-copy]').forEach(b => {
b.hidden = false;
b.onclick = async () => {
const what = d.getElementById(b.dataset.copy);
try { await navigator.clipboard.writeText(what.innerText); say(b, 'Copied') }
catch { getSelection().selectAllChildren(what); say(b, 'Selected: press Ctrl C') }
};
});
all('[data-save]').forEach(b => {
b.hidden = false;
b.onclick = () => {
const from = d.getElementById(b.dataset.save), a = d.createElement('a');
const bytes = Uint8Array.from(atob(from.textContent.replace(/\s/g, '')), c => c.charCodeAt(0));
a.href = URL.createObjectURL(new Blob([bytes])); a.download = from.dataset.name; a.click();
};
});
// Predict first.
const button = d.getElementById('predict'), score = d.getElementById('score'), claims = all('.claim');
if (!button) return;
const begin = on => {
root.classList.toggle('predict', on);
button.textContent = on ? 'Show all verdicts' : 'Predict first';
claims.forEach(c => delete c.dataset.guess);
score.textContent = on ? 'Say what you expect of each claim; then see.' : '';
};
button.hidden = false;
button.onclick = () => begin(!root.classList.contains('predict'));
if (location.hash == '#predict') begin(true);
all('.guess button').forEach(b => b.onclick = () => {
const c = b.closest('.claim'), out = c.dataset.outcome, right = b.dataset.say == out;
// What is not clear counts neither for a guess nor against it.
c.dataset.guess = /^(CON|REF)/.test(out) ? +right : '';
c.querySelector('.you').textContent = `You said: ${b.textContent.toLowerCase()}. ${right ? 'So it is.' : `It came out ${out.toLowerCase()}.`}`;
const made = claims.filter(c => c.dataset.guess);
score.textContent = made[0] ? `Right in ${made.filter(c => c.dataset.guess == 1).length} of ${made.length}` : '';
c.querySelector('h3 a').focus();
});

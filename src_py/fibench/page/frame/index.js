// Which runs are shown.
const box = id => d.getElementById('f-' + id), value = id => box(id) ? box(id).value : '';
const own = all('[data-n]'), lines = all('tr[data-r]');
const count = d.getElementById('count'), whole = d.getElementById('all');
const fits = s => (!value('experiment') || !s.e || s.e == value('experiment')) && (!value('machine') || s.m == value('machine'))
&& (!s.t || s.t.slice(0, 10) >= value('since') && (!value('until') || s.t.slice(0, 10) <= value('until')));
const apply = () => {
const text = value('text').trim().toLowerCase(), wrong = box('wrong') && box('wrong').checked;
const out = new Set();
own.forEach(e => {
const name = (e.dataset.n + ' ' + (e.querySelector('.as') || e).textContent).toLowerCase();
e.hidden = !fits(e.dataset) || !name.includes(text) || wrong && e.localName == 'tr' && !e.querySelector('.mark');
if (e.hidden && e.dataset.r) out.add(e.dataset.r);
});
all('[data-r]').forEach(e => e.classList.toggle('out', out.has(e.dataset.r)));
all('.experiment').forEach(part => {
part.hidden = [...part.querySelectorAll('tr[data-r]')].every(e => e.hidden);
const found = {};
part.querySelectorAll('tr[data-r]:not([hidden]) td[data-o]').forEach(e => {
const key = e.dataset.c + e.dataset.o;
found[key] = (found[key] || 0) + 1;
});
part.querySelectorAll('.one').forEach(one => one.querySelectorAll('.tally:not(details *) li').forEach(li => {
const number = found[one.dataset.c + li.dataset.o] || 0;
li.querySelector('b').textContent = number;
li.classList.toggle('none', !number);
}));
});
const hidden = own.filter(e => e.hidden).length;
root.classList.toggle('narrowed', hidden > 0);
whole.hidden = !hidden;
count.textContent = hidden ? `${own.length - hidden} of ${own.length} runs` : '';
};
const filter = d.getElementById('filter');
filter.hidden = false;
filter.oninput = apply;
whole.onclick = () => {
filter.querySelectorAll('input,select').forEach(e => { e.value = ''; e.checked = false });
apply(); box('text').focus();
};
apply();
// The same run everywhere: under the pointer, or where the focus is.
const light = e => {
const at = e && e.target.closest && e.target.closest('[data-r]'), r = at && at.dataset.r;
all('.lit').forEach(one => one.dataset.r != r && one.classList.remove('lit'));
if (r) all(`[data-r="${r}"]`).forEach(one => one.classList.add('lit'));
};
d.addEventListener('pointerover', light);
d.addEventListener('focusin', light);

// Conveniences only: every page works without this file.
document.addEventListener('click', function (e) {
  var button = e.target.closest('[data-copy]');
  if (!button) return;
  var field = document.getElementById(button.dataset.copy);
  field.select();
  var done = function () { button.textContent = 'Скопировано'; setTimeout(function () { button.textContent = 'Копировать'; }, 1500); };
  if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(done, function () {});
  else if (document.execCommand('copy')) done();
});
document.addEventListener('submit', function (e) {
  var form = e.target;
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) { e.preventDefault(); return; }
  if (form.method !== 'post') return;
  if (form.dataset.sent) { e.preventDefault(); return; }
  form.dataset.sent = '1';
});
window.addEventListener('pageshow', function () {
  document.querySelectorAll('form[data-sent]').forEach(function (f) { delete f.dataset.sent; });
});
var printer = document.getElementById('f-receipt');
if (printer) {
  var show = function () {
    document.querySelectorAll('[data-service]').forEach(function (f) { f.hidden = f.dataset.service !== printer.value; });
    document.querySelectorAll('[data-when=receipt]').forEach(function (f) { f.hidden = printer.value === 'none'; });
  };
  printer.addEventListener('change', show);
  show();
}

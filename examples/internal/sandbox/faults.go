package sandbox

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// faultKind is a fault for people.
type faultKind struct {
	Key   string
	Words string
	Kind  emulator.FaultKind
}

var faultKinds = []faultKind{
	{"delay", "ответ приходит поздно", emulator.Delay},
	{"drop", "соединение рвётся, ничего не сделано", emulator.Drop},
	{"lost", "всё сделано, но ответ не доходит", emulator.LostAnswer},
	{"error", "ошибка 5xx вместо ответа", emulator.ServerError},
	{"html", "веб-страница вместо ответа", emulator.HTML},
	{"cut", "всё сделано, ответ обрывается на середине", emulator.Cut},
	{"limit", "слишком много запросов (429)", emulator.RateLimit},
	{"empty", "пустой ответ", emulator.Empty},
}

// fault is a pending one for people.
type fault struct{ Words, Op, Times string }

// faultsAt are the faults of a provider that are still to happen.
func (s *Sandbox) faultsAt(p Provider) []fault {
	list, _ := s.pending(p)
	var out []fault
	for _, f := range list {
		e := fault{Words: f.Kind.String(), Op: f.Op, Times: "ещё " + strconv.Itoa(f.Times)}
		if f.Times < 0 {
			e.Times = "пока не выключить"
		}
		for _, k := range faultKinds {
			if k.Kind == f.Kind {
				e.Words = k.Words
			}
		}
		switch {
		case f.Kind == emulator.ServerError:
			e.Words += fmt.Sprintf(" (%d)", max(f.Status, 502))
		case f.Delay > 0:
			e.Words += fmt.Sprintf(" (%d с)", int(f.Delay/time.Second))
		}
		out = append(out, e)
	}
	return out
}

func (s *Sandbox) pending(p Provider) ([]emulator.Fault, emulator.Mischief) {
	return s.Emulator(p).(interface {
		Pending() ([]emulator.Fault, emulator.Mischief)
	}).Pending()
}

// mischief is what is done to a provider's callbacks.
func (s *Sandbox) mischief(p Provider) emulator.Mischief {
	_, m := s.pending(p)
	return m
}

// methods are the provider's methods that were called, for a fault of one.
func (s *Sandbox) methods(p Provider) []string {
	var out []string
	for _, e := range s.Emulator(p).Requests() {
		if e.Op != "" && !slices.Contains(out, e.Op) {
			out = append(out, e.Op)
		}
	}
	slices.Sort(out)
	return out
}

// readFault reads the form of a fault.
func readFault(form url.Values) (emulator.Fault, error) {
	f := emulator.Fault{Op: form.Get("op")}
	for _, k := range faultKinds {
		if k.Key == form.Get("kind") {
			f.Kind = k.Kind
		}
	}
	if f.Kind == 0 {
		return f, errors.New("неизвестный сбой")
	}
	var err error
	if f.Times, err = number(form.Get("times"), -1, 1000); err != nil || f.Times == 0 {
		return f, errors.New("сколько раз: от 1 до 1000, или «пока не выключить»")
	}
	seconds, err := number(form.Get("delay"), 0, 600)
	if err != nil {
		return f, errors.New("задержка: от 0 до 600 секунд")
	}
	f.Delay = time.Duration(seconds) * time.Second
	if f.Kind == emulator.Delay && f.Delay == 0 {
		f.Delay = 3 * time.Second
	}
	if text := form.Get("status"); text != "" && f.Kind == emulator.ServerError {
		if f.Status, err = number(text, 500, 599); err != nil {
			return f, errors.New("код ошибки: от 500 до 599")
		}
	}
	return f, nil
}

// readMischief reads the form of what happens to callbacks.
func readMischief(form url.Values) (emulator.Mischief, error) {
	var m emulator.Mischief
	var err error
	if m.Duplicates, err = number(form.Get("duplicates"), 0, 100); err != nil {
		return m, errors.New("дубликаты: от 0 до 100")
	}
	delay, err := number(form.Get("delay"), 0, 86400)
	if err != nil {
		return m, errors.New("задержка: от 0 до 86400 секунд")
	}
	reorder, err := number(form.Get("reorder"), 0, 86400)
	if err != nil {
		return m, errors.New("перемешивание: от 0 до 86400 секунд")
	}
	m.Delay, m.Reorder = time.Duration(delay)*time.Second, time.Duration(reorder)*time.Second
	if form.Get("lose") != "" {
		m.Lose = -1
	}
	if form.Get("forge") != "" {
		m.Forge = -1
	}
	return m, nil
}

// number reads a whole number between two; "" is 0.
func number(text string, least, most int) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, errors.New("не число, или вне пределов")
	}
	return n, nil
}

package acquiringtest

import (
	"sort"
	"strings"
	"testing"
)

// behaviour is one named thing that every Acquirer does.
type behaviour struct {
	name string // Group/Name
	run  func(e *env)
}

// behaviours are all of them, in the order in which they run.
func behaviours() []behaviour {
	var all []behaviour
	for _, group := range [][]behaviour{
		configBehaviours, createBehaviours, payBehaviours, refundBehaviours, refundFaultBehaviours, holdBehaviours,
		tokenBehaviours, listBehaviours, faultBehaviours, callbackBehaviours, forgeryBehaviours, shopBehaviours,
	} {
		all = append(all, group...)
	}
	return all
}

// Names are the names of all behaviours, as Harness.Skip takes them.
func Names() []string { return namesOf(behaviours()) }

func namesOf(all []behaviour) []string {
	names := make([]string, len(all))
	for i, b := range all {
		names[i] = b.name
	}
	return names
}

// Run shows that an Acquirer keeps the contract of package acquiring, one
// subtest for each behaviour, each over a shop of its own.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if h.New == nil || h.Provider == "" {
		t.Fatal("acquiringtest: the Harness needs Provider and New")
	}
	all := behaviours()
	checkSkips(t, h.Skip, namesOf(all))
	for _, group := range groupsOf(all) {
		t.Run(group.name, func(t *testing.T) {
			skipIfNamed(t, h.Skip, group.name)
			for _, b := range group.members {
				t.Run(strings.TrimPrefix(b.name, group.name+"/"), func(t *testing.T) {
					skipIfNamed(t, h.Skip, b.name)
					if !h.Sequential {
						t.Parallel()
					}
					e := newEnv(t, &h)
					b.run(e)
					e.finish()
				})
			}
		})
	}
}

type behaviourGroup struct {
	name    string
	members []behaviour
}

func groupsOf(all []behaviour) []behaviourGroup {
	var groups []behaviourGroup
	for _, b := range all {
		name, _, _ := strings.Cut(b.name, "/")
		if len(groups) == 0 || groups[len(groups)-1].name != name {
			groups = append(groups, behaviourGroup{name: name})
		}
		last := &groups[len(groups)-1]
		last.members = append(last.members, b)
	}
	return groups
}

func skipIfNamed(t *testing.T, skip map[string]string, name string) {
	t.Helper()
	if reason, ok := skip[name]; ok {
		t.Skipf("skipped by the harness: %s", reason)
	}
}

// checkSkips refuses skips without a reason and of behaviours that are not.
func checkSkips(t *testing.T, skip map[string]string, names []string) {
	t.Helper()
	if wrong := wrongSkips(skip, names); len(wrong) > 0 {
		t.Errorf("acquiringtest: Harness.Skip names no behaviour, or gives no reason: %s", strings.Join(wrong, ", "))
	}
}

func wrongSkips(skip map[string]string, names []string) []string {
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
		group, _, _ := strings.Cut(name, "/")
		known[group] = true
	}
	var wrong []string
	for name, reason := range skip {
		if !known[name] || strings.TrimSpace(reason) == "" {
			wrong = append(wrong, name)
		}
	}
	sort.Strings(wrong)
	return wrong
}

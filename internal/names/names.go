// Package names tells whether a name came before in the same message: a
// signature over a message that names a parameter twice would not say which of
// its two readings is meant.
package names

// few is how many names are compared one by one; more go through a map.
const few = 32

// Set are the names of one message. Its zero value is empty. It allocates
// nothing for as many names as a notification has, as a rule.
type Set struct {
	mixes uint64
	n     int
	first [few]string
	all   map[string]struct{} // nil: they are in first
}

// Add takes a name; false: it is there already.
func (s *Set) Add(name string) bool {
	if s.all == nil {
		// Most names differ in their length and their letters at the ends already.
		bit := uint64(1) << (mix(name) & 63)
		if s.mixes&bit != 0 {
			for i := range s.n {
				if s.first[i] == name {
					return false
				}
			}
		}
		s.mixes |= bit
		if s.n < few {
			s.first[s.n] = name
			s.n++
			return true
		}
		s.all = make(map[string]struct{}, 2*few)
		for _, known := range s.first {
			s.all[known] = struct{}{}
		}
	}
	if _, twice := s.all[name]; twice {
		return false
	}
	s.all[name] = struct{}{}
	s.n++
	return true
}

// Len is how many names there are.
func (s *Set) Len() int { return s.n }

// mix makes a small number of a name, to tell most names apart by.
func mix(name string) uint {
	n := uint(len(name))
	if n == 0 {
		return 0
	}
	return n*7 + uint(name[0])*3 + uint(name[n-1])
}

package flags

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is a word that a specification begins with, and the keys that may
// follow it.
type Kind[T any] struct {
	Name string
	// Make gives what the kind stands for. Where it has keys that is one, which
	// they change.
	Make func() []T
	Keys []Key[T]
}

// Key is one key of a specification.
type Key[T any] struct {
	Name string
	// Want says what a value is.
	Want string
	Set  func(*T, string) bool
	// Needed means that the kind is nothing without it.
	Needed bool
}

// Spec reads KIND[,key=value…].
func Spec[T any](text string, kinds []Kind[T]) ([]T, error) {
	name, rest, more := strings.Cut(text, ",")
	i := slices.IndexFunc(kinds, func(k Kind[T]) bool { return k.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no kind %q: want one of %s", name, list(kinds, func(k Kind[T]) string { return k.Name }))
	}
	kind := kinds[i]
	made, set := kind.Make(), map[string]bool{}
	for more {
		var item string
		item, rest, more = strings.Cut(rest, ",")
		name, value, _ := strings.Cut(item, "=")
		i := slices.IndexFunc(kind.Keys, func(k Key[T]) bool { return k.Name == name })
		switch {
		case len(kind.Keys) == 0:
			return nil, fmt.Errorf("%s takes no key such as %q", kind.Name, name)
		case i < 0:
			return nil, fmt.Errorf("%s takes no key %q: want one of %s", kind.Name, name, list(kind.Keys, func(k Key[T]) string { return k.Name }))
		case set[name]:
			return nil, fmt.Errorf("%s is given twice", name)
		case !kind.Keys[i].Set(&made[0], value):
			return nil, fmt.Errorf("%s=%q: want %s", name, value, kind.Keys[i].Want)
		}
		set[name] = true
	}
	for _, key := range kind.Keys {
		if key.Needed && !set[key.Name] {
			return nil, fmt.Errorf("%s needs %s=: %s", kind.Name, key.Name, key.Want)
		}
	}
	return made, nil
}

func list[E any](all []E, name func(E) string) string {
	var names []string
	for _, e := range all {
		names = append(names, name(e))
	}
	return strings.Join(names, ", ")
}

// Count is a key that takes a number from 1 up.
func Count[T any, N int | int64](name string, field func(*T) *N) Key[T] {
	return Key[T]{Name: name, Want: "a number from 1 up", Set: func(t *T, text string) bool {
		n, err := strconv.ParseInt(text, 10, 32)
		*field(t) = N(n)
		return err == nil && n >= 1
	}}
}

// Duration is a key that takes a time.
func Duration[T any](name string, field func(*T) *time.Duration) Key[T] {
	return Key[T]{Name: name, Want: "a time such as 500ms or 2s", Set: func(t *T, text string) bool {
		d, err := time.ParseDuration(text)
		*field(t) = d
		return err == nil && d >= 0
	}}
}

// OneOf is a key that takes one of the words.
func OneOf[T any](name string, field func(*T) *string, words ...string) Key[T] {
	return Key[T]{Name: name, Want: "one of " + strings.Join(words, ", "), Set: func(t *T, text string) bool {
		*field(t) = text
		return slices.Contains(words, text)
	}}
}

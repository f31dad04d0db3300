package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// setting is a field that is written in the file.
type setting struct {
	reflect.StructField
	name string
}

// settings gives the settings of a struct in the order of its fields.
func settings(t reflect.Type) []setting {
	var all []setting
	for f := range t.Fields() {
		if name := f.Tag.Get("yaml"); name != "-" {
			all = append(all, setting{f, name})
		}
	}
	return all
}

func names(t reflect.Type) []string {
	var all []string
	for _, s := range settings(t) {
		all = append(all, s.name)
	}
	return all
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// keyText shows a key in a path, quoted where it is not a plain name.
func keyText(key string) string {
	plain := func(r rune) bool {
		return r == '_' || r == '-' || r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z'
	}
	if key != "" && len(key) <= 40 && !strings.ContainsFunc(key, func(r rune) bool { return !plain(r) }) {
		return key
	}
	return quote(key)
}

// quote shows a value in an error: escaped, and cut where it is long.
func quote(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) > most {
		return strconv.Quote(string([]rune(text)[:most])) + "…"
	}
	return strconv.Quote(text)
}

// OneOf says which of the words to write in place of one that is not among
// them: the one that was probably meant, and all of them.
func OneOf(word string, words []string) string {
	nearest, best := "", len(word)/2+1
	for _, w := range words {
		if n := distance(strings.ToLower(word), w); n < best {
			nearest, best = w, n
		}
	}
	if nearest == "" {
		return "one of " + strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s (all of them: %s)", nearest, strings.Join(words, ", "))
}

// distance is the number of letters to add, drop, change or swap with their
// neighbour to make one word the other.
func distance(a, b string) int {
	const long = 64 // no setting is; a hostile key is not worth the time
	if len(a) > long || len(b) > long {
		return long
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		for j := range rows[i] {
			if i == 0 || j == 0 {
				rows[i][j] = i + j
				continue
			}
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

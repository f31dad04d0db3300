package winzip

import (
	"strings"

	"github.com/sepwatch/sepwatch/incident"
)

// maxName bounds a name, in bytes: file systems take 255.
const maxName = 200

// safeName makes a name of one file out of a hostile one: without folders of
// any system, without what controls a terminal or turns the direction of
// writing, and one that Windows takes and does not change. A long one keeps
// its end, which says what kind of file it is.
func safeName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"|?*`, r) {
			return '_'
		}
		return r
	}, incident.Clean(name))
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[len(name)-maxName:], "")
	}
	// Windows takes dots and spaces off the end, and "." and ".." are folders.
	name = strings.TrimRight(strings.TrimSpace(name), ". ")
	if name == "" {
		return "file"
	}
	return name
}

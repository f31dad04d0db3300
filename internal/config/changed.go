package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Changed lists the settings in which two configurations, or two groups of one
// kind, differ, such as resilient.timeout and mailboxes[soc].poll. It compares
// what is in force: a secret or a CA file has changed when its content has,
// wherever it stands. Items of a list are compared by their names, in any
// order; one that only one side has is listed as "mailboxes[soc] added" or
// "mailboxes[soc] removed".
func Changed[T any](was, is T) []string {
	return changed(reflect.ValueOf(was), reflect.ValueOf(is), "")
}

func changed(was, is reflect.Value, path string) []string {
	switch {
	case isObject(was.Type()):
		var all []string
		for f := range was.Type().Fields() {
			name := f.Tag.Get("yaml")
			switch {
			case name == "-": // the content of a file, which has its setting before it
				name = fileSetting(was.Type(), f)
			case isFile(was.Type(), f):
				continue
			}
			all = append(all, changed(was.FieldByIndex(f.Index), is.FieldByIndex(f.Index), join(path, name))...)
		}
		return all
	case isList(was.Type()) && isObject(was.Type().Elem()) && hasName(was.Type().Elem()):
		return changedItems(was, is, path)
	case reflect.DeepEqual(was.Interface(), is.Interface()):
		return nil
	}
	return []string{path}
}

// isFile reports whether a setting names the file of another one, which holds
// its content.
func isFile(t reflect.Type, f reflect.StructField) bool {
	name, ok := strings.CutSuffix(f.Name, "File")
	_, hasContent := t.FieldByName(name)
	return ok && hasContent
}

// fileSetting gives the setting that names the file of which f is the content.
func fileSetting(t reflect.Type, f reflect.StructField) string {
	file, _ := t.FieldByName(f.Name + "File")
	return file.Tag.Get("yaml")
}

func hasName(t reflect.Type) bool {
	_, ok := t.FieldByName("Name")
	return ok
}

func changedItems(was, is reflect.Value, path string) []string {
	var all []string
	before := make(map[string]reflect.Value)
	for _, item := range was.Seq2() {
		before[nameOf(item)] = item
	}
	for _, item := range is.Seq2() {
		name := nameOf(item)
		at := fmt.Sprintf("%s[%s]", path, name)
		if old, ok := before[name]; ok {
			all = append(all, changed(old, item, at)...)
		} else {
			all = append(all, at+" added")
		}
		delete(before, name)
	}
	for _, item := range was.Seq2() {
		if _, gone := before[nameOf(item)]; gone {
			all = append(all, fmt.Sprintf("%s[%s] removed", path, nameOf(item)))
		}
	}
	return all
}

func nameOf(item reflect.Value) string { return item.FieldByName("Name").String() }

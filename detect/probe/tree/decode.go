package tree

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/internal/nearest"
)

// Unmarshaler is a value that reads its node itself. The error is about the
// node as a whole.
type Unmarshaler interface {
	UnmarshalTree(n *Node) error
}

// Reader reads nodes into values of one type, for types that can't do it
// themselves.
type Reader struct {
	of   reflect.Type
	read func(n *Node) (reflect.Value, []Problem)
}

// ReaderOf is a Reader for T.
func ReaderOf[T any](read func(n *Node) (T, []Problem)) Reader {
	return Reader{reflect.TypeFor[T](), func(n *Node) (reflect.Value, []Problem) {
		v, problems := read(n)
		return reflect.ValueOf(&v).Elem(), problems
	}}
}

// Decode puts n into the struct, map, list or value that into points to, over
// what is there. The keys of a struct are the names in its yaml tags, of a field
// without one its name in small letters. A key without a value changes nothing,
// and a lone value stands for a list of one.
func Decode(n *Node, into any, readers ...Reader) []Problem {
	d := decoder{readers: readers}
	d.value("", n, reflect.ValueOf(into).Elem())
	return d.problems
}

type decoder struct {
	readers  []Reader
	problems []Problem
}

func (d *decoder) bad(n *Node, format string, args ...any) {
	d.problems = append(d.problems, n.Problem(format, args...))
}

// is reports whether n is of a kind and says so when it is not.
func (d *decoder) is(key string, n *Node, k Kind) bool {
	if n.Kind == k {
		return true
	}
	if key == "" {
		key = "this"
	}
	d.bad(n, "%s has to be %s, not %s", key, k, n.Kind)
	return false
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	nodeType     = reflect.TypeFor[*Node]()
)

// value puts n, which stands behind key, into v.
func (d *decoder) value(key string, n *Node, v reflect.Value) {
	if n == nil || n.Kind == Empty {
		return
	}
	if v.Type() == nodeType {
		v.Set(reflect.ValueOf(n))
		return
	}
	for _, r := range d.readers {
		if r.of == v.Type() {
			made, problems := r.read(n)
			d.problems = append(d.problems, problems...)
			v.Set(made)
			return
		}
	}
	if v.Kind() == reflect.Pointer {
		made := reflect.New(v.Type().Elem())
		if !v.IsNil() {
			made = v
		}
		before := len(d.problems)
		d.value(key, n, made.Elem())
		if len(d.problems) == before {
			v.Set(made)
		}
		return
	}
	if v.CanAddr() && d.itself(key, n, v.Addr().Interface()) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(key, n, v)
	case reflect.Map:
		d.mapping(key, n, v)
	case reflect.Slice:
		d.list(key, n, v)
	default:
		d.scalar(key, n, v)
	}
}

// itself lets a value read its own node or text, and reports whether it does.
func (d *decoder) itself(key string, n *Node, v any) bool {
	var err error
	switch own := v.(type) {
	case Unmarshaler:
		err = own.UnmarshalTree(n)
	case encoding.TextUnmarshaler:
		if d.is(key, n, Scalar) {
			err = own.UnmarshalText([]byte(n.Text))
		}
	default:
		return false
	}
	if err != nil {
		d.bad(n, "%s: %v", key, err)
	}
	return true
}

func (d *decoder) structure(key string, n *Node, v reflect.Value) {
	if !d.is(key, n, Mapping) {
		return
	}
	fields := map[string]reflect.Value{}
	collect(v, fields)
	var known []string
	for _, p := range n.Pairs {
		if f, ok := fields[p.Key.Text]; ok {
			d.value(p.Key.Text, p.Value, f)
			continue
		}
		if known == nil {
			for name := range fields {
				known = append(known, name)
			}
			slices.Sort(known)
		}
		d.bad(p.Key, "unknown key %s%s", quote(p.Key.Text), nearest.Hint(p.Key.Text, known))
		d.problems[len(d.problems)-1].Unknown = true
	}
}

// collect finds the fields of a struct by the names of their tags.
func collect(v reflect.Value, fields map[string]reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			collect(v.Field(i), fields)
		case name == "-" || !f.IsExported():
		case name == "":
			fields[strings.ToLower(f.Name)] = v.Field(i)
		default:
			fields[name] = v.Field(i)
		}
	}
}

func (d *decoder) mapping(key string, n *Node, v reflect.Value) {
	if !d.is(key, n, Mapping) {
		return
	}
	made := reflect.MakeMapWithSize(v.Type(), len(n.Pairs))
	for _, p := range n.Pairs {
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(p.Key.Text, p.Value, value)
		made.SetMapIndex(reflect.ValueOf(p.Key.Text).Convert(v.Type().Key()), value)
	}
	v.Set(made)
}

func (d *decoder) list(key string, n *Node, v reflect.Value) {
	items := n.List
	if n.Kind != List {
		items = []*Node{n}
	}
	made := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if item.Kind == Empty {
			d.bad(item, "%s has an element without a value", key)
			continue
		}
		d.value(key, item, made.Index(i))
	}
	v.Set(made)
}

func (d *decoder) scalar(key string, n *Node, v reflect.Value) {
	if !d.is(key, n, Scalar) {
		return
	}
	if v.Type() == durationType {
		t, err := Duration(n.Text)
		if err != nil {
			d.bad(n, "%s: %v", key, err)
			return
		}
		v.SetInt(int64(t))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.Text)
	case reflect.Bool:
		yes, ok := boolean(n)
		if !ok {
			d.bad(n, "%s is true or false, not %s", key, quote(n.Text))
		}
		v.SetBool(yes)
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(n.Text, 0, v.Type().Bits())
		if err != nil || n.Quoted {
			d.bad(n, "%s is a whole number, not %s", key, quote(n.Text))
		}
		v.SetInt(i)
	default:
		panic(fmt.Sprintf("tree: %s is a %s, which is not decoded", key, v.Type()))
	}
}

// boolean reads what YAML 1.1 and 1.2 write for true and false.
func boolean(n *Node) (value, ok bool) {
	if n.Quoted {
		return false, false
	}
	switch n.Text {
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y":
		return true, true
	case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N":
		return false, true
	}
	return false, false
}

var longDuration = regexp.MustCompile(`^([0-9]{1,6})([dwy])$`)

// maxDuration bounds what Duration returns.
const maxDuration = 100 * 365 * 24 * time.Hour

// Duration reads 1m30s as Go writes it, and whole days, weeks and years as
// Prometheus does (14d). It is never below 0.
func Duration(text string) (time.Duration, error) {
	if m := longDuration.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1]) // the expression has read it
		days := map[string]int{"d": 1, "w": 7, "y": 365}[m[2]]
		if d := time.Duration(n) * time.Duration(days) * 24 * time.Hour; n*days < 36_500 {
			return d, nil
		}
		return 0, errors.New("this is too long a time")
	}
	t, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%s is no time; write it as in 5s, 1m30s or 14d", quote(text))
	case t < 0 || t > maxDuration:
		return 0, fmt.Errorf("%s is not a time from 0 on", quote(text))
	}
	return t, nil
}

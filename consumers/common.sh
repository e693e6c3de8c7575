# SPDX-License-Identifier: GPL-2.0
# Builds a Debian program, stock and with the patches of consumers/NAME. Source it after
# common.sh and apt.sh, with name and version set, and suite if the source is not that of
# Debian 12.
# shellcheck disable=SC2034,SC2154

me=$name
dir=$common/$name
patches=$top/consumers/$name
library=$top/tools/lib/task_diag
trees=(stock patched)

get_source()
{
	local apt=$common/apt/$name download=$dir/download

	[ ! -f "$download/complete" ] || return 0
	say "fetching the source of $name $version"
	rm -rf "$download"
	mkdir -p "$download" "$common/apt"
	(new_suite "$apt" "${suite:-bookworm}" deb-src && cd "$download" &&
		own_apt "$apt" --download-only source "$name=$version") >"$apt.log" 2>&1 ||
		{ cat "$apt.log" >&2; die "the source of $name cannot be fetched"; }
	rm -rf "$apt"
	touch "$download/complete"
}

# Unpacks the source into $1; for patched, commits it and applies the series.
unpack()
{
	local tree=$1 git

	rm -rf "${dir:?}/$tree"
	dpkg-source --no-check -x "$dir/download/${name}_"*.dsc "$dir/$tree" >/dev/null
	rm -rf "$dir/$tree/.pc"
	[ "$tree" = patched ] || return 0
	# The user's git configuration must not change the result.
	unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
	git=(env GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
		git -c user.name=task_diag -c user.email=task_diag@localhost -C "$dir/$tree")
	"${git[@]}" init -q
	"${git[@]}" add -A -f
	"${git[@]}" commit -q -m "$name $version"
	"${git[@]}" am -q "$patches"/*.patch >&2 || die "git am does not apply $patches"
}

# What a tree depends on
inputs()
{
	local tree=$1

	{
		echo "$version"
		cat "$0" "$top/consumers/common.sh"
		[ "$tree" = stock ] ||
			cat "$patches"/*.patch "$top/include/uapi/linux/task_diag.h" "$library"/*.[ch]
	} | sha1sum
}

# Builds the trees that are not up to date: calls build_tree in the tree's folder.
build_all()
{
	local tree stamp log

	mkdir -p "$dir" "$common/locks"
	exec 8>"$common/locks/$name"
	flock 8
	get_source
	for tree in "${trees[@]}"; do
		stamp=$(inputs "$tree")
		[ "$(cat "$dir/$tree.stamp" 2>/dev/null)" != "$stamp" ] || continue
		say "building $name: $tree"
		rm -f "$dir/$tree.stamp"
		unpack "$tree"
		log=$dir/$tree.log
		([ "$tree" = stock ] || build_library "$tree" || exit
			cd "$dir/$tree" && build_tree "$tree") >"$log" 2>&1 ||
			{ tail -n 30 "$log" >&2; die "the build of $tree failed: $log"; }
		echo "$stamp" >"$dir/$tree.stamp"
	done
	exec 8>&-
}

in_vm()
{
	local out=$1

	shift
	"$top/harness/vm" --out "$dir/out-$out" --log "$dir/$out.console" "$@"
}

# Builds libtask_diag for the tree $1 in a folder of that tree, without the shared library,
# so that programs link it statically, and sets PKG_CONFIG_PATH to find it.
build_library()
{
	local out=$dir/$1/libtask_diag

	mkdir -p "$out"
	make -s -C "$library" srctree="$top" O="$out" prefix="$out/usr" install install_uapi || return
	rm "$out"/usr/lib/*.so*
	export PKG_CONFIG_PATH=$out/usr/lib/pkgconfig
}

# Interprets the script's command line, which follows $1, the default number of processes
# for bench; calls build_all, and then test_all, cost_all or bench.
run_command()
{
	local n=$1

	shift
	case ${1:-} in
	-h | --help) usage ;;
	build | test | cost)
		[ $# -eq 1 ] || bad_usage "unknown argument $2"
		declare -F "${1}_all" >/dev/null || bad_usage "unknown argument $1"
		build_all
		[ "$1" != build ] || return 0
		# Whatever is not ok fails the command.
		"${1}_all" | awk '{ print; fflush() } /^not ok/ { bad = 1 } END { exit bad }'
		;;
	bench)
		[ $# -le 2 ] || bad_usage "unknown argument $3"
		n=${2:-$n}
		[[ $n =~ ^[1-9][0-9]*$ ]] || bad_usage "'$n' is not a number of processes"
		build_all
		bench "$n"
		;;
	'') bad_usage "build, test or bench?" ;;
	*) bad_usage "unknown argument $1" ;;
	esac
}

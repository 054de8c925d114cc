//! Every variable with good and bad texts, and every rule of the thread count.

use super::*;
use crate::topology::{Caches, Node, Quota};

fn resolve(variables: &[(&str, &str)]) -> Result<Flags> {
    Flags::resolve(&|name| variables.iter().find(|(key, _)| *key == name).map(|(_, text)| (*text).to_owned()))
}

fn refused(name: &'static str, text: &str) -> String {
    match resolve(&[(name, text)]) {
        Err(Error::InvalidArgument { name: named, message }) => {
            assert_eq!(named, name);
            format!("{named}: {message}")
        }
        other => panic!("{name}={text:?} gave {other:?}"),
    }
}

#[test]
fn nothing_set_gives_the_defaults() {
    assert_eq!(resolve(&[]).unwrap(), Flags::default());
    for flag in &FLAGS {
        for blank in ["", "  "] {
            if flag.kind != Kind::Path || blank.is_empty() {
                assert_eq!(resolve(&[(flag.name, blank)]).unwrap(), Flags::default(), "{}", flag.name);
            }
        }
    }
}

#[test]
fn every_variable_reaches_its_field() {
    let flags = resolve(&[
        ("HYBRID_CHUNK_SIZE", " 750 "),
        ("HYBRID_RS_NUM_THREADS", "1024"),
        ("HYBRID_RS_CACHE_DIR", " a b"),
        ("HYBRID_RS_DISABLE_JIT", "TRUE"),
        ("HYBRID_RS_LITE", "1"),
        ("HYBRID_RS_LOG_LEVEL", "Debug"),
    ]);
    let expected = Flags {
        chunk_size: Some(750),
        num_threads: Some(1024),
        cache_dir: Some(" a b".to_owned()),
        disable_jit: true,
        lite: true,
        log_level: Some("debug".to_owned()),
    };
    assert_eq!(flags.unwrap(), expected);
    assert_eq!(resolve(&[("HYBRID_RS_LITE", "false"), ("HYBRID_RS_DISABLE_JIT", "0")]).unwrap(), Flags::default());
    assert_eq!(resolve(&[("HYBRID_CHUNK_SIZE", &u64::MAX.to_string())]).unwrap().chunk_size, Some(u64::MAX));
}

#[test]
fn a_bad_text_is_named_with_what_is_accepted() {
    assert_eq!(refused("HYBRID_CHUNK_SIZE", "abc"), "HYBRID_CHUNK_SIZE: 'abc' is not a positive integer");
    for text in ["0", "-1", "1.5", "1e3", "1_000", "0x10", "750 elements", "\u{662}"] {
        assert!(refused("HYBRID_CHUNK_SIZE", text).contains("is not a positive integer"), "{text}");
    }
    assert_eq!(
        refused("HYBRID_CHUNK_SIZE", "18446744073709551616"),
        "HYBRID_CHUNK_SIZE: '18446744073709551616' is larger than 18446744073709551615"
    );
    for text in ["0", "1025", "-4", "all"] {
        let expected = format!("HYBRID_RS_NUM_THREADS: '{text}' is not an integer from 1 to 1024");
        assert_eq!(refused("HYBRID_RS_NUM_THREADS", text), expected);
    }
    assert_eq!(refused("HYBRID_RS_LITE", "yes"), "HYBRID_RS_LITE: 'yes' is not 0, 1, true or false");
    assert_eq!(
        refused("HYBRID_RS_LOG_LEVEL", "loud"),
        "HYBRID_RS_LOG_LEVEL: 'loud' is not one of debug, info, warning, error"
    );
}

/// A machine with that many allowed CPUs, and a quota in hundredths of a CPU.
fn machine(cpus: usize, quota: Option<u64>) -> Topology {
    let allowed: Vec<usize> = (0..cpus).collect();
    Topology {
        nodes: vec![Node { id: 0, cpus: allowed.clone() }],
        allowed,
        quota: quota.map(|hundredths| Quota { quota_us: hundredths * 1000, period_us: 100_000 }),
        model: String::new(),
        caches: Caches::default(),
    }
}

fn count(
    argument: Option<usize>,
    context: Option<usize>,
    variables: &[(&str, &str)],
    machine: &Topology,
) -> Result<(usize, &'static str)> {
    let lookup = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, text)| (*text).to_owned());
    thread_count(argument, context, &Flags::resolve(&lookup)?, &lookup, machine)
}

#[test]
fn rules_are_asked_in_order() {
    let machine = machine(16, Some(650));
    let all = [("HYBRID_RS_NUM_THREADS", "4"), ("RAYON_NUM_THREADS", "5"), ("OMP_NUM_THREADS", "6")];
    assert_eq!(count(Some(2), Some(3), &all, &machine).unwrap(), (2, "threads argument"));
    assert_eq!(count(None, Some(3), &all, &machine).unwrap(), (3, "context"));
    assert_eq!(count(None, None, &all, &machine).unwrap(), (4, "HYBRID_RS_NUM_THREADS"));
    assert_eq!(count(None, None, &all[1..], &machine).unwrap(), (5, "RAYON_NUM_THREADS"));
    assert_eq!(count(None, None, &all[2..], &machine).unwrap(), (6, "OMP_NUM_THREADS"));
    assert_eq!(count(None, None, &[], &machine).unwrap(), (7, "cgroup quota"));
}

#[test]
fn the_machine_decides_last() {
    assert_eq!(count(None, None, &[], &machine(4, None)).unwrap(), (4, "affinity"));
    assert_eq!(count(None, None, &[], &machine(4, Some(400))).unwrap(), (4, "affinity"));
    assert_eq!(count(None, None, &[], &machine(4, Some(1))).unwrap(), (1, "cgroup quota"));
    assert_eq!(count(None, None, &[], &machine(2000, None)).unwrap(), (MAX_THREADS, "affinity"));
}

#[test]
fn other_packages_variables_never_fail() {
    for text in ["", "0", "abc", "-2", ",4", "1.5", "99999999999999999999"] {
        let variables = [("RAYON_NUM_THREADS", text), ("OMP_NUM_THREADS", " 3 ,2")];
        assert_eq!(count(None, None, &variables, &machine(8, None)).unwrap(), (3, "OMP_NUM_THREADS"), "{text:?}");
    }
    assert_eq!(count(None, None, &[("OMP_NUM_THREADS", "5000")], &machine(8, None)).unwrap().0, MAX_THREADS);
}

#[test]
fn numbers_outside_of_the_limits_are_refused() {
    for (argument, context) in [(Some(0), None), (Some(1025), Some(1)), (None, Some(0)), (None, Some(usize::MAX))] {
        match count(argument, context, &[], &machine(8, None)) {
            Err(Error::InvalidArgument { name: "threads", message }) => {
                assert!(message.ends_with("is not an integer from 1 to 1024"), "{message}");
            }
            other => panic!("{argument:?} {context:?} gave {other:?}"),
        }
    }
    assert_eq!(count(Some(1024), None, &[], &machine(8, None)).unwrap().0, 1024);
}

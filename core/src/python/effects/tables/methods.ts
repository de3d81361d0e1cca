// What methods do to the object they are called on, by name and library. Data, not code: add a name where it belongs.
//
// `scalar`: changes nothing, gives something immutable. `fresh`: changes nothing, gives a new object. `view`: changes
// nothing, gives the object, a part or a view of it. `changes`: changes the object. `stores`: changes the object, which
// then holds the arguments. `takes`: changes the object and gives a part of it. `fits`: changes the object and what it
// holds, and gives it back. `draws`: changes nothing but the axes it was given, and gives axes. A method that no table
// knows may change its object.
export type MethodEffect = 'scalar' | 'fresh' | 'view' | 'draws' | 'changes' | 'stores' | 'takes' | 'fits';

type Table = Partial<Record<MethodEffect, string>>;

const text: Table = {
  scalar: `capitalize casefold center count encode endswith expandtabs find format format_map index isalnum isalpha isascii
    isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip
    removeprefix removesuffix replace rfind rindex rjust rstrip startswith strip swapcase title translate upper zfill
    decode hex bit_length as_integer_ratio is_integer conjugate fromhex isoformat strftime strptime timestamp date time
    weekday total_seconds`,
  fresh: 'partition rpartition rsplit split splitlines maketrans'
};

const list: Table = {
  scalar: 'index count',
  fresh: 'copy',
  stores: 'append extend insert appendleft extendleft',
  changes: 'remove clear sort reverse rotate',
  takes: 'pop popleft'
};

const mapping: Table = {
  view: 'get keys values items most_common elements',
  fresh: 'copy fromkeys',
  stores: 'update setdefault',
  changes: 'clear subtract move_to_end',
  takes: 'pop popitem'
};

const set: Table = {
  scalar: 'isdisjoint issubset issuperset',
  fresh: 'copy difference intersection symmetric_difference union',
  stores: 'add update',
  changes: 'discard remove clear difference_update intersection_update symmetric_difference_update',
  takes: 'pop'
};

const ndarray: Table = {
  scalar: 'item tobytes dump tofile dumps',
  fresh: `tolist argmax argmin all any nonzero argsort astype choose clip compress copy cumprod cumsum dot flatten max mean min prod ptp repeat round
    searchsorted std sum trace var conj argpartition`,
  view: 'diagonal ravel reshape squeeze swapaxes take transpose view getfield byteswap',
  changes: 'fill itemset partition put resize setfield setflags sort'
};

const frame: Table = {
  scalar: `to_string to_json to_csv to_excel to_parquet to_pickle to_html to_latex to_markdown to_feather to_sql
    to_hdf to_clipboard info equals empty`,
  draws: 'hist boxplot plot',
  fresh: `nunique memory_usage idxmax idxmin count abs add add_prefix add_suffix agg aggregate align apply applymap asfreq asof assign at_time autocorr between
    between_time bfill clip combine combine_first compare convert_dtypes corr corrwith cov cummax cummin cumprod cumsum
    describe diff div divide dot drop drop_duplicates droplevel dropna duplicated eq eval explode ffill fillna filter
    first_valid_index floordiv from_dict from_records ge groupby gt head infer_objects interpolate isin isna isnull join
    kurt kurtosis last_valid_index le lt mad mask max mean median melt merge min mod mode mul multiply ne nlargest notna
    notnull nsmallest pct_change pipe pivot pivot_table pow prod product quantile query radd rank rdiv reindex
    reindex_like rename rename_axis reorder_levels replace resample reset_index rmod rmul rolling round rpow rsub rtruediv
    sample select_dtypes sem set_axis set_flags set_index shift skew sort_index sort_values stack std sub subtract sum
    swaplevel tail to_dict to_frame to_list to_period to_records to_timestamp transform truediv truncate tz_convert
    tz_localize unique unstack value_counts var where xs ewm expanding map nth size ngroup cumcount ohlc
    cat str dt contains extract extractall findall get_dummies slice pad wrap len day_name month_name normalize floor ceil
    to_datetime to_pydatetime set_categories add_categories remove_categories rename_categories reorder_categories
    remove_unused_categories as_ordered as_unordered rollforward rollback`,
  view: 'to_numpy iterrows itertuples iteritems items get get_group'
};

const learning: Table = {
  scalar: 'score get_metadata_routing',
  fresh: `predict predict_proba predict_log_proba decision_function transform inverse_transform kneighbors
    kneighbors_graph get_feature_names_out get_feature_names get_support apply decision_path staged_predict
    staged_predict_proba score_samples get_n_splits split mahalanobis cost_complexity_pruning_path radius_neighbors`,
  view: 'get_params',
  fits: 'fit partial_fit fit_transform fit_predict set_params fit_resample fit_generator compile'
};

const torch: Table = {
  scalar: 'dim numel size is_contiguous element_size data_ptr stride',
  fresh: `clone log exp softmax log_softmax sigmoid tanh relu matmul mm bmm pow sqrt norm ge gt lt eq state_dict logsumexp
    long float double half int bool type_as unfold`,
  view: `parameters named_parameters children named_children modules named_modules buffers detach cpu cuda to numpy
    unsqueeze permute contiguous expand flatten chunk t view_as`,
  fits: `backward step zero_grad train eval load_state_dict requires_grad_ add_module register_buffer
    register_parameter register_forward_hook cuda_ normal_ uniform_ zero_ fill_ add_ mul_ sub_ div_ copy_ clamp_
    xavier_uniform_ kaiming_normal_ constant_`
};

const statistics: Table = {
  scalar: 'as_csv as_text as_html as_latex',
  fresh: `summary summary2 summary_frame conf_int cov_params f_test t_test t_test_pairwise wald_test wald_test_terms score_test lagrange_multiplier_test
    mv_test bounds_test get_prediction get_forecast get_distribution get_diagnostic get_influence get_margeff get_robustcov_results pred_table
    irf fevd forecast simulate cumulative_effects ci_summary in_sample out_of_sample generate_sample variance rvs pdf logpdf cdf logcdf pmf logpmf
    sf logsf ppf isf interval test_prob_superior tost_prob_superior test_dispersion test_chisquare_prob test_poisson_zeroinflation
    test_equal_odds test_null_odds test_normality test_heteroskedasticity test_serial_correlation test_causality test_inst_causality
    test_whiteness logodds_pooled_confint conf_int_samples ipw ra aipw aipw_wls ipw_ra`,
  draws: `plot_diagnostics plot_components plot_forest plot_probs plot_irfs plot_pdf plot_scatter plot_influence plot_index plot_predict
    plot_partial_residuals plot_added_variable plot_ceres_residuals plot_forecast plot_acorr`
};

const other: Table = {
  scalar: `cache_info cache_parameters close flush fileno getvalue exists is_file is_dir as_posix with_suffix with_name match fullmatch search
    group groups span start end finditer isatty tell resolve absolute mkdir touch unlink rename write_text
    write_bytes read_text read_bytes joinpath relative_to stat savefig show tight_layout`,
  fresh: `groupdict glob rglob iterdir get_xlim get_ylim get_zlim get_xbound get_ybound get_title get_xlabel get_ylabel get_xticks get_yticks
    get_legend_handles_labels get_major_locator get_minor_locator get_major_formatter get_minor_formatter legend_elements
    get_supported_filetypes bic aic log_marginal_likelihood sample_y toarray todense _repr_html_`,
  view: 'get_axes get_legend get_figure get_lines',
  changes: `write writelines read readline readlines seek truncate send throw put put_nowait get_nowait acquire release
    execute executemany commit rollback fetchone fetchall fetchmany cursor seed shuffle random normal uniform integers
    choice standard_normal permutation permuted rand randn randint setstate set_state add_subplot set_title set_xlabel
    set_ylabel set_xlim set_ylim legend grid scatter bar barh imshow annotate text axhline axvline fill_between
    plot hist boxplot violinplot pie stem errorbar contour contourf pcolormesh hist2d
    hexbin stackplot vlines hlines axvspan axhspan twinx twiny set_axis_off invert_yaxis invert_xaxis tick_params margins
    add_patch add_artist add_collection add_line add_axes colorbar set_visible set_facecolor set_aspect set_xscale
    set_yscale set_zlabel set_size_inches subplots_adjust clf cla set_data view_init
    set_major_locator set_minor_locator set_major_formatter set_minor_formatter set_figheight set_figwidth set_size set_axis_labels
    set_xticks set_yticks set_xticklabels set_yticklabels suptitle`
};

/** A method of texts has its namesake for columns of texts, which gives a column. */
const columnOfTexts: Table = { fresh: `${text.scalar} ${text.fresh} match fullmatch search` };

const tables: readonly Table[] = [
  columnOfTexts,
  list,
  mapping,
  set,
  ndarray,
  frame,
  learning,
  torch,
  statistics,
  other
];

/** From the harmless to the harmful: where two libraries use one name, the more harmful wins. */
const caution: readonly MethodEffect[] = ['scalar', 'fresh', 'view', 'draws', 'changes', 'stores', 'takes', 'fits'];

function index(chosen: readonly Table[]): ReadonlyMap<string, MethodEffect> {
  const effects = new Map<string, MethodEffect>();
  for (const table of chosen)
    for (const effect of caution)
      for (const name of (table[effect] ?? '').split(/\s+/)) {
        const known = effects.get(name);
        if (name && (!known || caution.indexOf(effect) > caution.indexOf(known))) effects.set(name, effect);
      }
  return effects;
}

const anyLibrary = index(tables);

/** Methods where the maker of the object is known, by the beginning of the maker's dotted name. */
const byMaker: readonly (readonly [string, ReadonlyMap<string, MethodEffect>])[] = [
  ['str', index([text])],
  ['list', index([list])],
  ['tuple', index([list])],
  ['dict', index([mapping])],
  ['set', index([set])],
  ['builtins.list', index([list])],
  ['builtins.sorted', index([list])],
  ['builtins.dict', index([mapping])],
  ['builtins.set', index([set])],
  ['collections.', index([list, mapping])],
  ['pandas.', index([frame])],
  ['statsmodels.', index([statistics, { fresh: 'range' }])],
  ['numpy.', index([ndarray])]
];

/** Methods that change their first argument. */
export const changesArgument = (name: string): boolean => /^(shuffle|readinto1?|recv_into|pack_into)$/.test(name);

/** Makers whose objects change with every call on them. */
const restless =
  /^(numpy\.random\.|random\.(System)?Random|torch\.Generator|builtins\.(iter|open)|itertools\.|generator)/;

export const isRandom = (maker = ''): boolean =>
  /^(numpy\.random\.|random\.(System)?Random|torch\.Generator)/.test(maker);

/** Whether any call on what `maker` made changes it. */
export const isRestless = (maker: string | undefined): boolean => maker !== undefined && restless.test(maker);

/** Displays, whose maker tells all the methods that they have. */
const plain: ReadonlyMap<string, ReadonlyMap<string, MethodEffect>> = new Map([
  ['list', index([list])],
  ['tuple', index([list])],
  ['dict', index([mapping])],
  ['set', index([set])]
]);

const ofTables = index([frame, ndarray]);

/** Whether what `maker` made can have a method of this name. Random generators have none of tables' and arrays', but to sample. */
export const mayHaveMethod = (name: string, maker = ''): boolean =>
  name.startsWith('__') ||
  (plain.get(maker)?.has(name) ?? !(isRandom(maker) && ofTables.has(name) && name !== 'sample'));

const inPlace = new Set(
  `bfill clip drop drop_duplicates dropna eval ffill fillna interpolate mask query rename rename_axis replace reset_index set_axis set_index
  sort_index sort_values where`.split(/\s+/)
);

/** Methods of tables that change them where they are told to. */
export const mayTakeInPlace = (name: string): boolean => inPlace.has(name);

/** Whether `maker` makes containers of Python's own, whose copies hold what they hold. */
export const isContainer = (maker = ''): boolean => plain.has(maker) || /^(builtins|collections)\./.test(maker);

/** What method `name` does to an object that `maker` made; undefined where no table knows. */
export function methodEffect(name: string, maker: string | undefined): MethodEffect | undefined {
  if (maker !== undefined) {
    if (isRestless(maker)) return 'takes';
    for (const [beginning, effects] of byMaker)
      if (maker === beginning || (beginning.endsWith('.') && maker.startsWith(beginning))) {
        const effect = effects.get(name);
        if (effect) return effect;
      }
  }
  return anyLibrary.get(name);
}
